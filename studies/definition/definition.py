"""A definition: what is searched, with which objective, from which configuration, and how long an attempt may take.

It is read once, from `studies/NAME.yaml` or from the database, into a frozen dataclass; nothing looks at raw mappings
after that. The block named like the search is the search's own: `studies/definition/searches.py` hands it over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from objectives.command.command import Command
from objectives.loggers import parse_log_to
from objectives.named_keys import named_keys
from objectives.reference import located
from samplers.searches.blocks import block_keys
from samplers.searches.nested import path_of
from samplers.searches.new_names import AXES, check_new, refusal, with_new_names, without_pass
from samplers.searches.scores import check_score, metrics_needed, parse_scores
from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest
from storage.records import Json, Score
from studies.definition.assignments import Path as Assigned
from studies.definition.assignments import assign, parse_assignment, value_at
from studies.definition.code_version import parse_code
from studies.definition.effects import check_effect, not_settable
from studies.definition.laptop import check_laptop_config, laid_over, located_in, parse_laptop
from studies.definition.models import models_as_stored, models_located
from studies.definition.pruner import parse_pruner
from studies.definition.texts import check_axis_names, check_axis_texts, check_spellings, check_texts
from studies.definition.units import parse_duration, parse_size
from studies.definition.yaml_text import read_yaml

SEARCHES = ("grow", "depth", "grid", "fit", "tune")
SEEK_LIMITS = ("depth", "fit")
"""Searches for what fits: running out of memory is an answer, not a failure to try again."""
SCORES = {
    "depth": {"metric": "params", "direction": "minimize"},
    "fit": {"metric": "tokens_per_second", "direction": "maximize"},
}
"""What is scored where a definition does not say, by search."""
DEFINITION_KEYS = (
    *("question", "search", "objective", "log_to", "score", "cost", "config"),
    *("attempts", "timeout", "memory_limit", "pruner", "code", "config_ignores", "laptop", *SEARCHES),
)
SETTABLE = ("score", "cost", "question", "attempts", "timeout", "memory_limit", "pruner", "log_to")
"""Keys of the file that `--set` changes under their own names."""
OF_COMMAND = ("on_laptop", "replaced")
"""Keys of a stored definition that no file has: what the command line made of it."""
SETTABLE_FIELDS = ("score_metric", "direction", "score_of", "more_scores", *SETTABLE[1:])
AUTO = "auto"


@dataclass(frozen=True)
class Definition:
    """One definition, whole and checked as far as that is possible without its search and its objective."""

    search: str
    objective: str
    score_metric: str
    direction: str
    cost: str | None
    settings: Mapping[str, Any]
    """The search's own block."""
    config: Mapping[str, Any]
    score_of: str = "last"
    """Which of a trial's values is its score, `last` or `best`: the last, or the best that it reported."""
    more_scores: Sequence[Json] = ()
    """Of a search that improves several: those after the first, each with `metric` and `direction`."""
    question: str = ""
    attempts: int = 2
    timeout: float | None = None
    """Seconds that one attempt may take."""
    memory_limit: int | None = None
    """Bytes that one attempt's processes may hold together."""
    pruner: Mapping[str, Any] | None = None
    """One of Optuna's, as studies/definition/pruner.py reads it."""
    log_to: Sequence[str] = ()
    """Where the trials' reports go beside the database: objectives/loggers.py."""
    code: Sequence[str] = ()
    """Patterns of further files that belong to the objective's code, below `code_folder`."""
    code_folder: Path = Path("/")
    """Of the definition's file."""
    config_ignores: str | Sequence[str] = AUTO
    """Keys that are left out of the file's config; `auto`: those of other trainers that the objective lists."""
    ignored: Sequence[str] = field(default=(), compare=False)
    """Those that the file's config had."""
    laptop: Mapping[str, Any] = field(default_factory=dict)
    """Values of a small budget, which `run --laptop` lays over the file's."""
    on_laptop: bool = False
    """Whether they are laid over it."""
    replaced: Mapping[str, Any] = field(default_factory=dict)
    """Fields that `--set` changed, with the file's own values: an edited file changes only what it changes itself."""

    @staticmethod
    def load(file: Path, search: str | None = None) -> Definition:
        """The definition in a file; `search` is the one asked for on the command line.

        Raises:
            UsageError: The file is not a definition, or one of another search.
        """
        definition = _parse(read_yaml(file), str(file), file.parent).with_models_in(file.parent)._without_ignored()
        for key, text in definition.measures:
            check_score(text, f"{file}: {key}")
        definition = definition._with_checked_names(str(file))  # a stored one may be of a time before these checks
        if definition.laptop:
            definition.with_laptop(str(file))
        if search is not None and search != definition.search:
            if search not in SEARCHES:
                raise UsageError(f"run: no search {search!r}{nearest(search, SEARCHES)}")
            raise UsageError(f"run {search}: {file} is a {definition.search} search: `run {definition.search} …`")
        return definition

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Definition:
        """What `to_json` gave."""
        definition = _parse(_of_file(stored), "the stored definition", Path("/"))
        return replace(definition, **{key: stored[key] for key in OF_COMMAND if key in stored})

    def to_json(self) -> dict[str, Any]:
        """As it is kept in the database: the keys of the file, in a fixed order, the config's own order kept."""
        score = {"metric": self.score_metric, "direction": self.direction}
        score |= {"of": self.score_of} if self.score_of != "last" else {}
        document = {
            "question": self.question,
            "search": self.search,
            "objective": self.objective,
            "score": [dict(score), *map(dict, self.more_scores)] if self.more_scores else score,
            "cost": self.cost,
            self.search: dict(self.settings),
            "config": dict(self.config),
            "attempts": self.attempts,
            "timeout": self.timeout,
            "memory_limit": self.memory_limit,
            "pruner": self.pruner,
            "log_to": list(self.log_to) or None,
            "code": {"folder": str(self.code_folder), "files": list(self.code)} if self.code else None,
            "config_ignores": None if self.config_ignores == AUTO else list(self.config_ignores),
            "laptop": dict(self.laptop) or None,
            "on_laptop": self.on_laptop or None,
            "replaced": dict(self.replaced) or None,
        }
        return {key: value for key, value in document.items() if value not in (None, "")}

    @property
    def scores(self) -> list[Score]:
        """The metrics that are improved, the first one first."""
        more = [Score(each["metric"], each["direction"]) for each in self.more_scores]
        return [Score(self.score_metric, self.direction), *more]

    @property
    def measures(self) -> list[tuple[str, str]]:
        """The texts that are made of the objective's metrics, each after its key in the file."""
        several = len(self.scores) > 1
        scores = [
            (f"score[{place}].metric" if several else "score.metric", each.metric)
            for place, each in enumerate(self.scores)
        ]
        return scores if self.cost is None else [*scores, ("cost", self.cost)]

    @property
    def hash(self) -> str:
        """SHA-256 of the definition; the order of keys counts, since it breaks ties."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()

    @property
    def of_file(self) -> Definition:
        """Without what `--set` changed of the file's own keys."""
        return replace(self, **self.replaced, replaced={})

    def with_replaced_of(self, other: Definition) -> Definition:
        """With the values that `--set` gave to another definition of the study, except where this file has news."""
        kept = {
            name: (was, getattr(other, name)) for name, was in other.replaced.items() if _same(getattr(self, name), was)
        }
        values = {name: now for name, (_, now) in kept.items()}
        return replace(self, **values, replaced={name: was for name, (was, _) in kept.items()})

    def with_settings(self, assignments: Sequence[str]) -> Definition:
        """With `--set KEY=VALUE` applied, in their order: KEY is a key of the config, else of the search's block, which
        `grow.KEY` names in full, else one of the file's own, like `attempts` or `score.metric`.

        Raises:
            UsageError: There is no such key, or it has no effect; `+KEY=VALUE` adds any to the config.
        """
        made, of_config, added = self, [], set(self.config)
        for text in assignments:
            path, value, adding = parse_assignment(text)
            if path[0] == self.search and self.search not in added and len(path) > 1:
                made = replace(made, settings=assign(made.settings, path[1:], value, True, text))
            elif path[0] not in added and path[0] in block_keys(self.search):
                made = replace(made, settings=assign(made.settings, path, value, True, text))
            elif path[0] not in added and path[0] in DEFINITION_KEYS and not adding:
                made = made._with_own_key(path, value, text)
            else:
                of_config.append((path, value, adding, text))
                added |= {str(path[0])} if adding else set()
        for path, value, adding, text in of_config:
            check_effect(self.search, made.settings, path, text)
            check_texts([value], value_at(self.config, path), "--set " + text.partition("=")[0])
            new = adding or made._is_new_key(path, text)
            made = replace(made, config=assign(made.config, path, value, new, text))
        if assignments:
            check_spellings(made.config, "--set")
        if made.search in AXES and assignments:
            check_axis_names(made.settings, made.config, "--set", made.search)
            check_axis_texts(made.settings, made.config, "--set", made.search)
        if made.settings != self.settings:
            made = made._with_new_names("--set")
        return made.with_models_in(Path.cwd())

    def with_laptop(self, where: str) -> Definition:
        """With its `laptop:` block laid over it.

        Args:
            where: The file's name, for messages.

        Raises:
            UsageError: It has none, or a value in it is wrong.
        """
        if self.on_laptop:
            return self
        if not self.laptop:
            raise UsageError(f"--laptop: {where} has no block `laptop:` with a small budget's values")
        check_laptop_config(self.laptop, self.config, self.objective, f"{where}: laptop")
        laid = _parse(laid_over(_of_file(self.to_json()), self.laptop), f"{where}: laptop", Path("/"))
        made = laid._without_ignored()._with_checked_names(f"{where}: laptop")
        return replace(made, on_laptop=True, ignored=list(dict.fromkeys([*self.ignored, *made.ignored])))

    def _without_ignored(self) -> Definition:
        auto = self.config_ignores == AUTO
        ignores = named_keys(self.objective).ignored if auto else self.config_ignores
        config = {key: value for key, value in self.config.items() if key not in ignores}
        return replace(self, config=config, ignored=[key for key in self.config if key in ignores])

    def _with_checked_names(self, where: str) -> Definition:
        """With the names and texts of its config and block checked, and new names noted."""
        check_spellings(self.config, f"{where}: config")
        if self.search in AXES:
            check_axis_names(self.settings, self.config, where, self.search)
            check_axis_texts(self.settings, self.config, where, self.search)
        return self._with_new_names(where)

    def _with_new_names(self, where: str) -> Definition:
        """With those names of its block that the config lacks checked, and noted where the objective gets them."""
        named = named_keys(self.objective)
        axis = self.settings.get("axis")
        if self.search == "fit" and isinstance(axis, str):
            check_new(axis, self.config, named.keys, named.closed, f"{where}: fit.axis")
        if self.search not in AXES:
            return self
        names = with_new_names(self.settings, self.config, named.keys, named.closed, where, self.search)
        return replace(self, settings=names)

    def _is_new_key(self, path: Assigned, text: str) -> bool:
        """Whether a path that `--set` names is one that the config lacks and may have.

        Raises:
            UsageError: It is probably misspelt, or the objective does not read it.
        """
        name = ".".join(part for part in path if isinstance(part, str))
        if value_at(self.config, path) is not None or path_of(name, self.config) is not None:
            return False
        named = named_keys(self.objective)
        reason = refusal(name, self.config, named.keys, named.closed)
        if reason is not None:
            raise UsageError(f"{text!r}: there is no key {name!r}; {reason} (a new key: +{text})", "--set")
        return True

    def _with_own_key(self, path: Assigned, value: Any, text: str) -> Definition:
        """With another value of one of the file's own keys."""
        if path[0] not in SETTABLE:
            raise UsageError(not_settable(self.search, path, text, SEARCHES), "--set")
        document = assign(_of_file(self.to_json()), path, value, True, text)
        made = _parse({key: value for key, value in document.items() if value is not None}, "--set", Path("/"))
        was = {name: getattr(self.of_file, name) for name in SETTABLE_FIELDS}
        replaced = {
            name: json.loads(json.dumps(old)) for name, old in was.items() if not _same(old, getattr(made, name))
        }
        changed = {name: getattr(made, name) for name in SETTABLE_FIELDS}
        return replace(self, **changed, replaced=replaced)

    def with_models_in(self, folder: Path) -> Definition:
        """With the whole path of every model's file that it names, relative to `folder`."""
        config, settings = models_located(self.objective, (self.config, self.settings), folder)
        laptop = located_in(self.laptop, self.search, self.objective, folder)
        return replace(self, config=config, settings=settings, laptop=laptop)

    def with_helpers_of(self, stored: Definition) -> Definition:
        """With the names that only expressions use as the study began with them: one of version 0.3 passed none to its
        objective, and goes on so while the block stays the same."""
        bare = without_pass(self.settings)
        if self.settings != stored.settings == bare and replace(self, settings=bare)._with_new_names("") == self:
            return replace(self, settings=stored.settings)
        return self

    def with_code_of(self, other: Definition) -> Definition:
        """With the `code:` files of another one."""
        return replace(self, code=other.code, code_folder=other.code_folder)

    def with_models_of(self, stored: Definition) -> Definition:
        """With the stored path of each model that is the same file and function, lying elsewhere on this host."""
        known = (stored.config, stored.settings)
        config, settings = models_as_stored(self.objective, (self.config, self.settings), known)
        return replace(self, config=config, settings=settings)


def _of_file(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a stored definition that its file may have."""
    return {key: value for key, value in stored.items() if key not in OF_COMMAND}


def _same(one: object, other: object) -> bool:
    """Compared as they are stored, where a tuple is a list."""
    return json.dumps(one) == json.dumps(other)


def _parse(document: Mapping[str, Any], where: str, folder: Path) -> Definition:
    check_keys(document, DEFINITION_KEYS, where)
    search = _text(document, "search", where)
    if search not in SEARCHES:
        raise UsageError(f"{where}: search: no search {search!r}{nearest(search, SEARCHES)}")
    if "score" not in document and search not in SCORES:
        raise UsageError(f"{where}: score: is missing; like {{metric: val_loss, direction: minimize}}")
    scores = parse_scores(document["score"] if "score" in document else SCORES[search], search, f"{where}: score")
    cost = _text(document, "cost", where) if document.get("cost") is not None else None
    attempts = check_whole(document.get("attempts", 2), f"{where}: attempts", 1, 2**31 - 1)
    timeout, limit, pruner = document.get("timeout"), document.get("memory_limit"), document.get("pruner")
    code_folder, code = parse_code(document.get("code", []), folder, f"{where}: code")
    return Definition(
        search=search,
        objective=_objective(document, [*(each.metric for each in scores.all), cost], where, folder),
        score_metric=scores.all[0].metric,
        direction=scores.all[0].direction,
        cost=cost,
        score_of=scores.of,
        more_scores=[each._asdict() for each in scores.all[1:]],
        settings=_mapping(document, search, where),
        config={} if document.get("config") is None else _mapping(document, "config", where),
        question=_text(document, "question", where) if "question" in document else "",
        attempts=attempts,
        timeout=None if timeout is None else parse_duration(timeout, f"{where}: timeout"),
        memory_limit=None if limit is None else parse_size(limit, f"{where}: memory_limit"),
        pruner=None if pruner is None else parse_pruner(pruner, search, len(scores.all), where),
        log_to=parse_log_to(document.get("log_to", []), f"{where}: log_to"),
        code=code,
        code_folder=code_folder,
        config_ignores=_ignores(document.get("config_ignores", AUTO), f"{where}: config_ignores"),
        laptop=parse_laptop(document.get("laptop"), search, f"{where}: laptop"),
    )


def _objective(document: Mapping[str, Any], wanted: Sequence[str | None], where: str, folder: Path) -> str:
    """`FILE.py:FUNCTION` is relative to the definition, as a command is; every other form stands as it is."""
    if isinstance(document.get("objective"), dict):
        needs = list(dict.fromkeys(name for each in wanted for name in metrics_needed(each)))
        return Command.parse(document["objective"], folder.resolve(), needs, f"{where}: objective").text
    return located(_text(document, "objective", where), folder)


def _ignores(given: Any, where: str) -> str | Sequence[str]:
    if given == AUTO or (isinstance(given, list) and all(isinstance(each, str) for each in given)):
        return tuple(given) if isinstance(given, list) else AUTO
    raise UsageError(f"{given!r} is neither {AUTO} nor a list of keys, like [out_dir, device]", where)


def _text(document: Mapping[str, Any], key: str, where: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(value, "a text", f"{where}: {key}")
    return value


def _mapping(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise _wrong(value, "a mapping", f"{where}: {key}")
    return value


def _wrong(value: object, wanted: str, where: str) -> UsageError:
    return UsageError("is missing" if value is None else f"{value!r} is not {wanted}", where)
