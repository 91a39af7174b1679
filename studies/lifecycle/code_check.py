"""Whether the user's code here is the code that a study's results ran: warned about, or refused by `--same-code`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.errors import UsageError
from storage.evidence_records import CodeResults
from storage.program import program_name
from storage.reader import Reader
from storage.records import Json, StudyRow
from storage.store import Store
from studies.definition.code_version import CodeVersion
from studies.definition.definition import Definition
from studies.definition.user_code import UserCode, changed_files, is_imported, version_text
from studies.lifecycle.checks import code_of

MAX_NAMES = 3
"""Changed files that a message names."""


@dataclass(frozen=True)
class RanCode:
    """The versions of the user's code that a study's accepted results ran."""

    results: Sequence[CodeResults] = ()
    details: Mapping[str, Json] | None = None
    """By version."""

    def of(self, version: str) -> Json | None:
        return (self.details or {}).get(version)


def code_results(store: Store, study: StudyRow | None) -> RanCode:
    """The versions that the results of a study ran, but not of imported ones; none of a study that is not there."""
    if study is None:
        return RanCode()
    with closing(store.read()) as session:
        reader = Reader(session)
        details = {row.version: row.details for row in reader.codes(study.study_id)}
        ran = [each for each in reader.code_results(study.study_id) if not is_imported(details.get(each.code or ""))]
        return RanCode(ran, details)


def check_code(
    study: StudyRow | None,
    definition: Definition,
    code: UserCode,
    ran: RanCode,
    same_code: bool,
    log: Callable[[str], None],
) -> None:
    """Compare the code here with the code that accepted results ran; print a difference once.

    Raises:
        UsageError: It differs, or cannot be compared, and `same_code` is asked for.
    """
    other = None if study is None else _other(study, code, ran) or _begun_with(study, definition, ran)
    unknown = _unknown(code, ran)
    if same_code and (other or unknown):
        raise UsageError(f"--same-code: {other or unknown}")
    if other is not None:
        log(f"{other}; {_advice(study, ran, code)}")
    elif code.why is not None:
        log(f"the code is not fully known: {code.why}; results of other code may not be marked")


def _other(study: StudyRow, code: UserCode, ran: RanCode) -> str | None:
    """Which results ran other code, and what differs."""
    others = [each for each in ran.results if each.code is not None and each.code != code.version]
    if not others:
        return None
    all_results, last = sum(each.results for each in ran.results), others[-1]
    assert last.code is not None
    then, here = ran.of(last.code), version_text(code.version, code.details)
    names = [] if then is None else changed_files(then, code.details)
    if not names and code.why is not None:
        return None  # nothing is known to differ
    shown = ", ".join(names[:MAX_NAMES]) + (" …" if len(names) > MAX_NAMES else "")
    what = f"{shown} {'have' if len(names) > 1 else 'has'} changed" if names else "its repository has changed"
    count = f"{sum(each.results for each in others)} of {all_results} results"
    return f"{count} of {study.name!r} ran code {version_text(last.code, then)}; here it is {here}: {what}"


def _begun_with(study: StudyRow, definition: Definition, ran: RanCode) -> str | None:
    """The same for results of which no version was recorded: against the code that the study began with."""
    if all(each.code is not None for each in ran.results):
        return None
    now = code_of(definition)
    first, here = (CodeVersion.from_json(each["repository"]) for each in (study.code, now))
    if first.commit is not None and here.commit is not None and first.shown() != here.shown():
        return f"{study.name!r} began with code {first.shown()}; here it is {here.shown()}"
    if study.code["file"] != now["file"]:
        return f"{Path(definition.objective.rpartition(':')[0]).name} has changed since {study.name!r} began"
    return None


def _unknown(code: UserCode, ran: RanCode) -> str | None:
    """Why the code here cannot be compared with the results' code."""
    if code.why is not None:
        return f"the code here is not fully known: {code.why}"
    for each in ran.results:
        if each.code is None:
            return f"{each.results} results ran code that was not recorded: an older Studyhall ran them"
        details = ran.of(each.code)
        if details is None or details["why"]:
            why = "; ".join(details["why"]) if details else "it is not recorded"
            return f"{each.results} results ran code that is not fully known: {why}"
    return None


def _advice(study: StudyRow | None, ran: RanCode, code: UserCode) -> str:
    assert study is not None
    old = next((each.code for each in reversed(ran.results) if each.code not in (None, code.version)), None)
    again = "" if old is None else f"to run those again: {program_name()} redo --study {study.name} --code {old}; "
    return f"results may not be comparable; {again}--same-code refuses other code"
