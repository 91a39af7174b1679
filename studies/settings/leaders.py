"""Which setting of a grid or a tune leads, as one worker knows it: by the mean over its first seeds.

A lucky setting falls when a race gives it more seeds, so the leader is found again from what is known of all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import Any

from samplers.searches.noise import mean
from storage.worker_records import LeadingSetting
from studies.history.purpose import setting_name
from studies.tables.digits import number

Setting = Mapping[str, Any]


class Leaders:
    """The means of a study's settings, and the best of them. Scores come from this worker's trials, and from reads."""

    def __init__(self, direction: str, seeds: int, first_seed: int) -> None:
        """`seeds`: results that a setting needs before it is compared; `first_seed`: of each setting."""
        self.direction, self.seeds, self.first_seed = direction, seeds, first_seed
        self._settings: dict[str, Setting] = {}
        self._scores: dict[str, dict[int, float]] = {}
        """By setting and seed."""
        self._means: dict[str, float] = {}
        """Of the settings that are compared."""
        self._leader: str | None = None
        self._named: str | None = None
        """The leader that the last line has named."""

    def add(self, setting: Setting, seed: int, score: float) -> tuple[str, bool]:
        """A result of this worker: what the line of its trial says of the leader, and whether that is a new one.

        `best 0.25`; `new best mean 0.3` of this trial's setting; `the best is now lr 0.1: mean 0.2 of 3 seeds`, where
        the leader has fallen or another worker has found a better one. Empty while no setting has all its seeds.
        """
        key = self._keep(setting, {seed: score})
        self._find([key])
        if self._leader is None:
            return "", False
        changed, first = self._leader != self._named, self._named is None
        self._named = self._leader
        if not changed:
            return self.value, False
        if self._leader == key or first:
            return f"new {self.value}", True
        return f"the best is now {setting_name(self.setting)}: {self.value.removeprefix('best ')}", True

    def read(self, found: Sequence[LeadingSetting]) -> None:
        """The best settings of all workers, the best first; what was known of others cannot be better."""
        if not found:
            return
        listed = {self._keep(each.setting, each.scores) for each in found}
        worst = max((self._loss(key) for key in listed if key in self._means), default=-math.inf)
        for key in [each for each in self._means if each not in listed and self._loss(each) < worst]:
            del self._scores[key], self._means[key]  # another worker's seeds made it worse
        self._find(list(self._means))
        if self._named is None:
            self._named = self._leader

    @property
    def setting(self) -> Setting:
        """The leader; empty while there is none."""
        return {} if self._leader is None else self._settings[self._leader]

    @property
    def value(self) -> str:
        """`best 0.25`, of several seeds `best mean 0.25`, of more than all `best mean 0.25 of 5 seeds`; empty while
        no setting has all its seeds."""
        if self._leader is None:
            return ""
        seeds = len(self._known(self._leader))
        more = f" of {seeds} seeds" if seeds > self.seeds else ""
        return f"best {'mean ' * (seeds > 1)}{number(self._means[self._leader])}{more}"

    @property
    def text(self) -> str:
        """The same with its setting."""
        return self.value and f"{self.value} ({setting_name(self.setting)})"

    def _keep(self, setting: Setting, scores: Mapping[int, float]) -> str:
        key = json.dumps(setting, sort_keys=True)
        self._settings[key] = setting
        self._scores.setdefault(key, {}).update(scores)
        known = self._known(key)
        if len(known) >= self.seeds:
            self._means[key] = mean(known)
        return key

    def _known(self, key: str) -> list[float]:
        """The scores of a setting's first seeds, up to the first one that is missing."""
        scores = self._scores[key]
        return [scores[seed] for seed in takewhile(scores.__contains__, count(self.first_seed))]

    def _loss(self, key: str) -> float:
        return -self._means[key] if self.direction == "maximize" else self._means[key]

    def _find(self, changed: Sequence[str]) -> None:
        """The leader, after the means of some settings have changed; of equal ones the one that led."""
        leader = self._leader if self._leader in self._means else None
        rivals = self._means if leader is None or leader in changed else changed
        best = min((each for each in rivals if each in self._means), key=self._loss, default=leader)
        if leader is None or (best is not None and self._loss(best) < self._loss(leader)):
            leader = best
        self._leader = leader
