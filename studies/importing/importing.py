"""`import`: results that were made elsewhere. What does not fit is listed line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from samplers.searches.grid.grid import Grid
from samplers.searches.growth.growth import Growth
from samplers.searches.plural import counted
from storage.errors import UsageError
from storage.files import replacing
from storage.ledger import Ledger
from storage.names import check_name
from storage.other_storage import read_other_study
from storage.program import program_name
from storage.reader import Reader
from storage.store import Store
from studies.definition.definition import Definition
from studies.definition.searches import current_state, search_in_force, search_of
from studies.definition.yaml_text import read_yaml
from studies.importing.definition_text import definition_text
from studies.importing.growth import GrowthImport, check_start
from studies.importing.growth_file import GrowthFile, is_growth, load_yaml, read_growth
from studies.importing.matching import Columns, Matched, Matching
from studies.importing.optuna_runs import runs_of
from studies.importing.runs import Run, read_bytes, read_runs
from studies.importing.settling import Settled, Settling, refusals_of
from studies.importing.sweeps import sweep_of
from studies.importing.tune import import_settings, matched_before
from studies.lifecycle.open import OpenedStudy, open_study
from studies.lifecycle.order import Order
from studies.lifecycle.run import study_started

MAX_LISTED = 200
"""Lines of what does not fit; the rest is counted."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """What is imported."""

    name: str
    digest: str
    """SHA-256."""
    runs: Sequence[Run]


@dataclass(frozen=True)
class Imported:
    """What became of an import."""

    lines: Sequence[str]
    fits: bool
    """Whether anything was imported, now or before, or nothing was left to."""


def import_results(
    store: Store,
    source: str,
    name: str,
    definition: Path | None,
    mapping: Sequence[str],
    other: str | None,
    trust_study: bool,
    log: Log,
) -> Imported:
    """Make or open a study as `run` does, and give it results that were made elsewhere.

    Args:
        store: Of the study.
        source: A file, or the URL of a database of Optuna's.
        name: The study's.
        definition: Its file, when it is not NAME.yaml.
        mapping: `COLUMN=NAME` each.
        other: The name of the study in that database; None: the same.
        trust_study: Whether code may run that only the storage names.
        log: For people.

    Raises:
        UsageError: The source is of no known kind, or the study cannot take its results; nothing was written.
    """
    if "://" in source:
        order = _order(name, definition, trust_study)
        return _import_study(store, order, source, other or name, mapping, log)
    if other is not None:
        raise UsageError("names a study of a database: it needs a URL", "--from")
    file = Path(source)
    content = read_bytes(file)
    digest = hashlib.sha256(content).hexdigest()
    if file.suffix.lower() not in (".yaml", ".yml"):
        runs = Source(file.name, digest, read_runs(content, source))
        return _import_runs(store, _order(name, definition, trust_study), runs, mapping, log)
    document = load_yaml(content, source)
    if not is_growth(document):
        return _write_definition(file, name)
    order = _order(name, definition, trust_study)
    return _import_growth(store, order, read_growth(document, source), file.name, digest, log)


def _write_definition(file: Path, name: str) -> Imported:
    """A sweep's definition as NAME.yaml of the current folder; a line for each thing that a grid does not have."""
    target = Path(f"{check_name(name)}.yaml")
    # W&B, SEML and Hydra read their files with PyYAML; but 1e-4 is a number here.
    sweep = sweep_of(read_yaml(file, yaml_1_1=True), str(file))
    if sweep is None:
        raise UsageError("is neither a growth's results.yaml nor a sweep of W&B, SEML or Hydra", str(file))
    if target.exists():
        raise UsageError("is there already; remove it, or give another name", str(target))
    with replacing(target) as aside:
        aside.write_text(definition_text(sweep, file.name, name))
        search = search_of(Definition.load(aside), file.name)
    what = f"a tune over {counted(len(sweep.axes), 'parameter')}"
    if isinstance(search, Grid):
        size, repeats = search.settings.size, search.settings.repeats
        what = f"a grid of {counted(size, 'setting')} × {counted(repeats, 'seed')}"
    line = f"{target}: {what}; look it over, then: {program_name()} run {name} --dry-run"
    return Imported([*sweep.unfit, line], True)


def _import_study(store: Store, order: Order, url: str, other: str, mapping: Sequence[str], log: Log) -> Imported:
    definition = open_study(store, order).definition
    runs, digest = runs_of(read_other_study(url, other), definition.scores)
    return _import_runs(store, order, Source(f"Optuna study {other}", digest, runs), mapping, log)


def _order(name: str, definition: Path | None, trust_study: bool) -> Order:
    """As of `run` with one CPU slot."""
    return Order.of(
        words=(),
        name=name,
        file=definition,
        settings=(),
        gpus=None,
        per_gpu=None,
        gpu_memory=None,
        workers=1,
        threads=1,
        steps=None,
        timeout=None,
        max_trials=None,
        same_code=False,
        trust_study=trust_study,
        laptop=False,
        join=False,
        keep_going=False,
        gpus_elsewhere=None,
    )


def _import_runs(store: Store, order: Order, source: Source, mapping: Sequence[str], log: Log) -> Imported:
    opened = open_study(store, order)
    search = opened.definition.search
    if search == "tune":
        return _import_settings(store, order, opened, source, mapping, log)
    if search != "grid":
        what = f"{order.name!r} is a {search} study: finished runs become results of a grid or a tune"
        raise UsageError(what, "import")
    matched = _matched(store, opened, source, mapping)
    settled = Settled()
    if matched.results:
        with study_started(store, order, log) as (warm, _), closing(store.write()) as session:
            study = Reader(session).study(order.name)
            with Settling(session, study, source.name, source.digest, refusals_of(warm)) as settling:
                settling.settle(matched.results)
                settling.advance()
            settled = settling.settled
    return summary(order.name, source.name, settled, matched.unfit, matched.notes)


def _import_settings(
    store: Store, order: Order, opened: OpenedStudy, source: Source, mapping: Sequence[str], log: Log
) -> Imported:
    matched = matched_before(store, opened, source.runs, mapping, source.name)
    settled = Settled()
    if matched.results:
        with study_started(store, order, log) as (warm, _), closing(store.write()) as session:
            study = Reader(session).study(order.name)
            with Settling(session, study, source.name, source.digest, refusals_of(warm)) as settling:
                matched = import_settings(settling, study, source.runs, mapping, source.name)
            settled = settling.settled
    return summary(order.name, source.name, settled, matched.unfit, matched.notes)


def _import_growth(store: Store, order: Order, file: GrowthFile, name: str, digest: str, log: Log) -> Imported:
    opened = open_study(store, order)
    if opened.definition.search != "grow":
        raise UsageError(f"{order.name!r} is a {opened.definition.search} study, and {name} is of a growth", "import")
    search = opened.search if opened.study is None else search_in_force(opened.study)
    assert isinstance(search, Growth)
    check_start(search, file, name)
    with study_started(store, order, log) as (warm, _), closing(store.write()) as session:
        study = Reader(session).study(order.name)
        with Settling(session, study, name, digest, refusals_of(warm)) as settling:
            importing = GrowthImport(settling, study, file, name)
            importing.run()
            settling.advance()
    return summary(order.name, name, settling.settled, importing.unfit, importing.notes)


def _matched(store: Store, opened: OpenedStudy, source: Source, mapping: Sequence[str]) -> Matched:
    """The points that the runs are results of. Changes nothing."""
    search, study = opened.search, opened.study
    state = search.start()
    if study is not None:
        search = search_in_force(study)
        with closing(store.read()) as session:
            state = current_state(Ledger(session, study.study_id), study)
    matching = Matching(search.outlook(state), opened.definition.score_metric, opened.definition.cost)
    columns = Columns.of(source.runs, mapping, matching.known, source.name)
    return matching.match(source.runs, columns, source.name)


def summary(name: str, source: str, settled: Settled, unfit: Sequence[str], notes: Sequence[str]) -> Imported:
    """What does not fit, a line each, then what was imported."""
    wrong = [f"{source}, {each}" for each in (*unfit, *settled.left)]
    lines = wrong[:MAX_LISTED]
    if len(wrong) > MAX_LISTED:
        lines.append(f"and {len(wrong) - MAX_LISTED:,} more that do not fit")
    counts = f"{settled.imported:,} result{'s' * (settled.imported != 1)} imported from {source}"
    if settled.known:
        counts += f", {settled.known:,} had been before"
    if wrong:
        counts += f"; {len(wrong):,} do{'es' * (len(wrong) == 1)} not fit"
    return Imported([*lines, *notes, f"{name}: {counts}"], bool(settled.imported or settled.known or not wrong))
