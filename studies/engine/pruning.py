"""Optuna's own pruners, by name: a trial that has reported is stopped if the pruner gives it up.

Only growth candidates and grid cells are pruned: a missing value removes only them. A growth's baseline never is,
since every candidate is measured against it, nor is a depth count or a fit probe, whose values bound the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storage.ledger import Claim
from studies.definition.pruner import make_pruner

if TYPE_CHECKING:
    from optuna.study import Study


class Pruning:
    """A study's pruner over the database. It holds no connection between two calls."""

    def __init__(self, url: str, study: str, block: Mapping[str, Any]) -> None:
        self._url, self._name, self._block = url, study, block
        self._study: Study | None = None
        self.name = block["name"]

    def ends(self, claim: Claim) -> bool:
        """Whether the pruner gives this trial up, by its reports and the others'."""
        if claim.role.get("role") == "baseline":
            return False
        study = self._study or self._load()
        trial = study._storage.get_trial(claim.trial_id)
        return study.pruner.prune(study, trial)

    def _load(self) -> Study:
        import optuna

        from storage.optuna_storage import reading_storage

        pruner = make_pruner(self._block, f"study {self._name}")
        self._study = optuna.load_study(study_name=self._name, storage=reading_storage(self._url), pruner=pruner)
        return self._study
