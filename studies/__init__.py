"""Studies: definitions, their life, and what they teach. In a notebook: `from studies import open_study`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.notebook import OpenStudy


def open_study(name: str, storage: str | None = None) -> OpenStudy:
    """A study of a storage, by default the embedded one (or `STUDYHALL_STORAGE`), for a notebook.

    Raises:
        UsageError: There is no such study; the message names the nearest.
    """
    from studies.notebook import OpenStudy

    return OpenStudy.of(name, storage)
