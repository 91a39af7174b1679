"""What can be typed next on the command line. Starts nothing; a storage that cannot be reached offers nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from storage.home import definition_files
from storage.reader import Reader
from storage.session import Session

DATABASE_SECONDS = 2  # libpq allows no fewer
MAX_OFFERED = 100

T = TypeVar("T")
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
Values = Callable[[click.Context, str], list[tuple[str, str | None]]]
"""Values with a word about each or None, for the text that has been typed."""


def completed(values: Values) -> Complete:
    """A completion as click calls it. An error offers nothing: a shell is no place for a message."""

    def complete(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        try:
            offered = values(context, typed)
        except Exception:
            return []
        return [CompletionItem(value, help=help_) for value, help_ in offered if value.startswith(typed)]

    return complete


def words_of_run(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Of `run`: a search, then a study's name."""
    from studies.definition.definition import SEARCHES

    if _words(context):
        return names_to_run(context, typed)
    return [(name, None) for name in SEARCHES] + names_to_run(context, typed)


def study_names(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Studies of the storage."""
    return [(row.name, row.search) for row in _asked(context, Reader.glances)]


def names_to_run(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Studies of the storage, and definitions; of the search that is asked for."""
    search = next(iter(_words(context)), None)
    known = {name: kind for name, kind in study_names(context, typed) if search in (None, kind)}
    for name, file in definition_files().items():
        if name not in known and (search is None or f"\nsearch: {search}\n" in f"\n{file.read_text(errors='replace')}"):
            known[name] = "a definition"
    return list(known.items())


def _words(context: click.Context) -> Sequence[str]:
    """Of `run` and `export`; they are in args while an option has no value yet."""
    return [*(context.params.get("words") or ()), *context.args]


def trials(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Numbers of the study's trials."""
    return _numbers(context, typed, None)


def failed_trials(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Numbers of those that failed."""
    return _numbers(context, typed, "FAIL")


def formats(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Of `export`: of the study's search, or of any."""
    from studies.export.export import FORMATS

    named = {*(context.params.get("names") or ()), *_words(context)}
    own = [row.search for row in _asked(context, Reader.glances) if row.name in named]
    known = [form for search in own or FORMATS for form in FORMATS[search]]
    return [(form, None) for form in dict.fromkeys(known)]


def costs(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Metrics that the study's objective says it returns."""
    name = _study(context)
    return [(metric, None) for metric in _asked(context, lambda reader: reader.study(name).metrics)]


def gpus(context: click.Context, typed: str) -> list[tuple[str, str | None]]:
    """Words, and the devices of this host; further ones after a comma."""
    from studies.slots.devices import read_devices

    before = typed.rpartition(",")[0]
    lead = f"{before}," if before else ""
    words = [] if before else [("auto", "the free ones"), ("all", None), ("none", "CPU slots")]
    labels = [(device.label, device.name) for device in read_devices()]
    return words + [(lead + label, name) for label, name in labels if label not in before.split(",")]


def _numbers(context: click.Context, typed: str, state: str | None) -> list[tuple[str, str | None]]:
    if typed and not (typed.isascii() and typed.isdigit()):
        return []
    name = _study(context)
    found = _asked(context, lambda reader: reader.trial_numbers(name, typed, state, MAX_OFFERED))
    return [(str(number), state) for number, state in found]


def _study(context: click.Context) -> Any:
    return context.params.get("name")


def _asked(context: click.Context, read: Callable[[Reader], Sequence[T]]) -> Sequence[T]:
    """Rows from the storage that the command line names, if its server is up."""
    from storage import server

    store = context.params["store"]
    if store.embedded:
        found = server.status(store.home)
        if not found.up:
            return []
        url = found.url if not store.url else store.url
    else:
        url = store.url
    session = Session(url, patience=DATABASE_SECONDS)
    try:
        return read(Reader(session))
    finally:
        session.close()
