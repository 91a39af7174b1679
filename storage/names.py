"""Names of studies and datasets: they need no quotes in a path, a URL or a notification."""

from __future__ import annotations

from storage.errors import UsageError

MAX_STUDY_NAME_CHARACTERS = 100


def check_name(name: str, where: str = "--study") -> str:
    """The name, if it is valid: letters and digits of any script, and `. _ -` after the first character.

    Raises:
        UsageError: It is not valid; the message begins with `where`, the option or file that gave it.
    """
    shown = repr(name if len(name) <= 40 else name[:37] + "…")
    if not name or len(name) > MAX_STUDY_NAME_CHARACTERS:
        raise UsageError(f"{shown} has {len(name)} characters; 1 to {MAX_STUDY_NAME_CHARACTERS} are allowed", where)
    wrong = next((each for each in name if not (each.isalnum() or each in "._-")), None)
    if wrong is not None:
        raise UsageError(f"{shown} holds {wrong!r}; letters, digits, '.', '_' and '-' are allowed", where)
    if name[0] in ".-":
        raise UsageError(f"{shown} begins with {name[0]!r}; begin with a letter, a digit or '_'", where)
    return name
