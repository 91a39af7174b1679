"""Which results ran which version of the user's code, and whether the versions are what they were taken over."""

from __future__ import annotations

from collections.abc import Mapping

from objectives.reference import SHIPPED
from studies.audit.evidence import Evidence
from studies.definition.user_code import is_imported, version_of, version_text
from studies.history.versions import numbers_text

NOT_RECORDED = "not recorded"


def trials_by_code(evidence: Evidence) -> dict[str, list[int]]:
    """Numbers of the trials with an accepted result, by the version that they ran."""
    found: dict[str, list[int]] = {}
    for row in evidence.points:
        if row.trial_id in evidence.accepted:
            found.setdefault(evidence.accepted[row.trial_id].code or NOT_RECORDED, []).append(row.number)
    return found


def imported_trials(evidence: Evidence) -> list[int]:
    """Numbers of the trials whose results were made elsewhere."""
    return [
        number
        for version, numbers in trials_by_code(evidence).items()
        if is_imported(evidence.codes.get(version))
        for number in numbers
    ]


def code_lines(evidence: Evidence) -> list[str]:
    """A line a version; the trials are named where there is more than one."""
    found = trials_by_code(evidence)
    objective = evidence.study.origin["objective"]
    whose = f"code of the objective {objective}" if objective in SHIPPED else "your code"
    lines = []
    for version, numbers in found.items():
        line = f"{whose}: " + version_text(version, evidence.codes.get(version))
        if len(found) > 1:
            line += f": {len(numbers)} result{'s' * (len(numbers) > 1)}, trials {numbers_text(numbers)}"
        why = (evidence.codes.get(version) or {}).get("why")
        lines.append(f"{line}; not fully known: {'; '.join(why)}" if why else line)
    return lines


def code_problems(evidence: Evidence) -> list[str]:
    """A line for each version that is not what it was taken over, or that a result ran and is not there."""
    found = []
    for version, details in evidence.codes.items():
        if not _is_version(version, details):
            found.append(f"code {version}: the files it was computed from were changed")
    ran = {row.code for row in evidence.attempts if row.code is not None}
    return found + [f"code {version}: results ran it, but it is missing" for version in sorted(ran - {*evidence.codes})]


def _is_version(version: str, details: Mapping[str, object]) -> bool:
    try:
        return version_of(details) == version
    except KeyError:
        return False
