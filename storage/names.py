"""Names of studies and datasets: what can stand in a path, a URL and a notification without being quoted."""

from __future__ import annotations

from storage.errors import UsageError

LONGEST = 100


def check_name(name: str, where: str = "--study") -> str:
    """The name, if it is one: letters and digits of any script, and `. _ -` inside. `where` it was given is told.

    Raises:
        UsageError: It is not.
    """
    shown = repr(name if len(name) <= 40 else name[:37] + "…")
    if not name or len(name) > LONGEST:
        raise UsageError(f"{where}: {shown} has {len(name)} characters; 1 to {LONGEST} are allowed")
    wrong = next((each for each in name if not (each.isalnum() or each in "._-")), None)
    if wrong is not None:
        raise UsageError(f"{where}: {shown} holds {wrong!r}; letters, digits, '.', '_' and '-' are allowed")
    if name[0] in ".-":
        raise UsageError(f"{where}: {shown} begins with {name[0]!r}; a letter, a digit or '_' has to come first")
    return name
