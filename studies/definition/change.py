"""The difference between two definitions of one study, and whether a study that has begun can take it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from objectives.reference import shown_objective
from studies.definition.definition import Definition


@dataclass(frozen=True)
class Change:
    """The difference between two definitions of one study."""

    config: Mapping[str, Any]
    settings: Mapping[str, Any]
    """Of the search's block; None for a key that was removed."""
    refused: Sequence[str]
    """Why the change cannot be made to a study that has begun; empty if it can."""
    incomparable: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Keys whose change makes results incomparable, with the old and the new value. Refused once results exist."""

    @property
    def refused_with_results(self) -> Sequence[str]:
        """Why it cannot be made to a study that has results; empty if it can."""
        return [
            *(
                f"{key}: the study was begun with {was!r}, not {now!r}: results would not be comparable; begin another "
                "study with `--study OTHER`"
                for key, (was, now) in self.incomparable.items()
            ),
            *self.refused,
        ]


def difference(old: Definition, new: Definition) -> Change:
    """What has to happen for a study of `old` to go on as one of `new`."""
    fixed = (("search", old.search, new.search), ("config.seed", old.config.get("seed"), new.config.get("seed")))
    compared = (
        ("objective", shown_objective(old.objective), shown_objective(new.objective)),
        ("score", _score(old), _score(new)),
        ("cost", old.cost, new.cost),
        ("config.dataset", old.config.get("dataset"), new.config.get("dataset")),
    )
    refused = [
        f"{key}: the study was begun with {was!r}, not {now!r}; begin another study with `--study OTHER`"
        for key, was, now in fixed
        if was != now
    ]
    refused += [
        f"config.{key}: cannot be taken out of a study that has begun; set it instead"
        for key in old.config
        if key not in new.config
    ]
    gone = {key: None for key in old.settings if key not in new.settings}
    incomparable = {key: (was, now) for key, was, now in compared if was != now}
    return Change(_news(old.config, new.config), gone | _news(old.settings, new.settings), refused, incomparable)


def _score(definition: Definition) -> str:
    best = " of best" * (definition.score_of == "best")
    return ", ".join(f"{each.direction} {each.metric}{best}" for each in definition.scores)


def _news(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Compared as text: 1, 1.0 and true are equal in Python, not to an objective; the order of a block breaks ties."""
    return {key: value for key, value in new.items() if key not in old or json.dumps(old[key]) != json.dumps(value)}
