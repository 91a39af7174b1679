"""Optuna's own pruners, by name: a trial that has reported is stopped if the pruner gives it up.

Only growth candidates and the settings of a grid or a tune are pruned: a missing value removes only them. A growth's
baseline never is, since every candidate is measured against it, nor is a depth count or a fit probe, whose values bound
the others.

A grid and a tune prune settings, not seeds (settings_view.py). Once one seed of a setting is PRUNED, the setting is:
its running seeds are stopped, and its waiting ones end as PRUNED when they are claimed. What is claimed by a worker
that dies is claimed again, so nothing has to be kept beside the trials themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from objectives.outcome import Kind
from samplers.searches.grid.grid import Grid
from samplers.searches.plan import Point
from samplers.searches.tune.tune import Tune
from storage.errors import SessionLostError, one_line
from storage.ledger import Claim, End, Ledger
from storage.reader import Reader
from storage.records import StudyRow
from studies.definition.pruner import make_pruner
from studies.definition.searches import current_state, search_in_force
from studies.history.purpose import trial_name
from studies.tables.log import Log, Tone

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.study import Study


class Pruning:
    """A study's pruner over the database. It holds no connection of its own between two calls."""

    def __init__(self, ledger: Ledger, study: StudyRow, block: Mapping[str, Any], log: Log) -> None:
        self._ledger, self._row, self._block, self._log = ledger, study, block, log
        self._off = False
        self._study: Study | None = None
        self._pruner: BasePruner | None = None
        self._of_settings = study.search in ("grid", "tune")
        self._search: Grid | Tune | None = None
        self.name = block["name"]

    def ends(self, claim: Claim) -> str | None:
        """Why the pruner gives a running trial up, by its reports and the others'; None if it goes on.

        The pruner is Optuna's, with the user's arguments: if it fails, trials go on without it.
        """
        if self._off:
            return None
        try:
            return self._judge(claim)
        except SessionLostError:
            raise
        except Exception as error:
            self._log(f"pruning is off: the {self.name} pruner failed: {one_line(error)}", Tone.FAILURE)
            self._off = True
            return None

    def _judge(self, claim: Claim) -> str | None:
        if self._of_settings:
            return self._ends_setting(claim)
        if claim.role.get("role") == "baseline":
            return None
        study = self._study or self._load()
        trial = study._storage.get_trial(claim.trial_id)
        return self._reason if study.pruner.prune(study, trial) else None

    def set_aside(self, claim: Claim) -> str | None:
        """End a claimed trial as PRUNED if another seed of its setting was: a line for people, or None if it begins."""
        if not self._of_settings or not self._setting_ended(claim):
            return None
        end = End(Kind.PRUNED.value, self._with_setting)
        self._ledger.finish_trial(claim, "PRUNED", end, (), {}, f"pruned: {self._with_setting}")
        return f"{trial_name(claim.number, claim.role, claim.seed)} pruned {self._with_setting}"

    def _setting_ended(self, claim: Claim) -> bool:
        """Whether a seed of the trial's setting was pruned: it costs a look at its seeds."""
        if self._search is None:
            search = search_in_force(self._row)
            assert isinstance(search, Grid | Tune)
            self._search = search
        settings = self._search.settings_in(current_state(self._ledger, self._row))
        seeds = range(settings.seed, settings.seed + settings.repeats)
        known = self._ledger.results([Point(claim.config, seed).hash for seed in seeds])
        return any(each.state == "PRUNED" for each in known.values())

    @property
    def _reason(self) -> str:
        return f"by the {self.name} pruner"

    @property
    def _with_setting(self) -> str:
        return f"with its setting, {self._reason}"

    def _ends_setting(self, claim: Claim) -> str | None:
        from studies.engine.settings_view import judged

        seeds = Reader(self._ledger.session).seeds(self._row.study_id)
        mine = next((row for row in seeds if row.trial_id == claim.trial_id), None)
        if mine is None:
            return None
        if any(row.setting == mine.setting and row.state == "PRUNED" for row in seeds):
            return self._with_setting
        self._pruner = self._pruner or make_pruner(self._block, f"study {self._row.name}")
        verdict = judged(self._pruner, self._row, seeds, mine)
        for name, value in verdict.rungs.items():
            self._ledger.keep_rung(mine.trial_id, name, value)
        return self._reason if verdict.pruned else None

    def _load(self) -> Study:
        import optuna

        from storage.optuna_storage import reading_storage

        name, url = self._row.name, self._ledger.session.url
        pruner = make_pruner(self._block, f"study {name}")
        self._study = optuna.load_study(study_name=name, storage=reading_storage(url), pruner=pruner)
        return self._study
