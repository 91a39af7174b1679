"""Finished runs become settings of a tune: taken in by one decision, planned and ended in the same transaction.

So an import is in the ledger whole or not at all, and no worker trains meanwhile what has a result. The next decision
tells the sampler, as soon as no trial of these settings is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from types import MappingProxyType

from samplers.searches.tune.tune import Tune
from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow
from storage.store import Store
from studies.definition.code_version import versions
from studies.definition.definition import Definition
from studies.definition.searches import search_in_force
from studies.history.recall import Recall
from studies.importing.matching import Columns
from studies.importing.run_values import value_text
from studies.importing.runs import Run
from studies.importing.settling import Settling
from studies.importing.tune_matching import MatchedSettings, TuneMatching
from studies.lifecycle.open import OpenedStudy
from studies.planning.planner import Asked, UsedResults, take_step

BLOCKED = "no trial of {name!r} can begin: its budget is used up, or it stops; raise it: `run {name} --max-trials N`"
NO_REFUSALS: Mapping[str, str] = MappingProxyType({})


def matched_settings(
    recall: Recall,
    definition: Definition,
    runs: Sequence[Run],
    mapping: Sequence[str],
    source: str,
    refusals: Mapping[str, str] = NO_REFUSALS,
) -> MatchedSettings:
    """The settings that runs are of, after the decisions so far."""
    search = recall.search
    assert isinstance(search, Tune)
    wanted = [each.metric for each in definition.scores]
    matching = TuneMatching(search, recall.state, [*wanted, *([definition.cost] if definition.cost else [])])
    return matching.match(runs, Columns.of(runs, mapping, matching.known, source), source, refusals)


def matched_before(
    store: Store, opened: OpenedStudy, runs: Sequence[Run], mapping: Sequence[str], source: str
) -> MatchedSettings:
    """The same before anything is written: of a study that may not be there yet."""
    recall = Recall(opened.search)
    if opened.study is not None:
        recall = Recall(search_in_force(opened.study))
        with closing(store.read()) as session:
            recall.read(Reader(session), opened.study.study_id)
    return matched_settings(recall, opened.definition, runs, mapping, source)


def import_settings(
    settling: Settling, study: StudyRow, runs: Sequence[Run], mapping: Sequence[str], source: str
) -> MatchedSettings:
    """Take the settings in and give them their results, in one transaction.

    Raises:
        UsageError: A budget is used up, or the study stops: no setting was taken in.
    """
    ledger, definition = settling.ledger, Definition.from_json(study.definition)
    recall, verdicts, refused = Recall(search_in_force(study)), dict[str, str | None](), dict[str, str]()
    while True:
        with ledger.planning():
            recall.read(Reader(settling.session), study.study_id)
            matched = matched_settings(recall, definition, runs, mapping, source, refused)
            unjudged = None
            if matched.new:
                search = recall.search
                assert isinstance(search, Tune)
                step = search.imported(recall.state, matched.new, source)
                asked = Asked(len(recall.decisions), recall.state, step, UsedResults())
                unjudged = take_step(ledger, search, asked, verdicts, versions()["studyhall"])
            if not isinstance(unjudged, list):
                left = settling.end_waiting(matched.results)
                if matched.new and any(each.state == "WAITING" for each in ledger.results([*left]).values()):
                    raise UsageError(BLOCKED.format(name=study.name), "import")  # the settings would be trained
                break
        answers = settling.refusals([point.config for point in unjudged])
        for point, answer in zip(unjudged, answers, strict=True):
            verdicts[point.hash] = answer
            if answer is not None:
                refused[value_text(point.config)] = answer
    settling.name_left(left)
    return matched
