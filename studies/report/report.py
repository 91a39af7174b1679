"""`report`: a report as a folder or in the dashboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from storage.errors import UsageError
from storage.schema import check_versions
from storage.session import Session
from studies.report.chapters import check_packages, make_report


def run_report(
    session: Session,
    names: Sequence[str],
    out: Path | None,
    to_dashboard: bool,
    log: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Make a report and write it to a folder, the dashboard or both; a line for each.

    Args:
        log: Prints what is being done.
        out: The folder; without one, and not `to_dashboard`, `report-NAME` here.

    Raises:
        UsageError: No study is named, or the report cannot be written there.
    """
    if not names:
        raise UsageError("report: which study? `report lobo`")
    check_packages()
    from studies.report.dashboard import put_into_dashboard
    from studies.report.folder import check_folder, write_report

    if out is None and not to_dashboard:
        out = Path(re.sub(r"[^\w.-]", "_", "-".join(["report", *names])))
    if out is not None:
        check_folder(out)
    if to_dashboard:
        check_versions(session, writing=True)
    into = " and ".join([*([str(out)] if out is not None else []), *(["the dashboard"] if to_dashboard else [])])
    made = make_report(session, names, lambda: log(f"drawing the report into {into}: this may take a minute"))
    lines = []
    if out is not None:
        write_report(made, out)
        lines.append(str(out / "index.html"))
    if to_dashboard:
        lines += put_into_dashboard(session, made)
    return lines
