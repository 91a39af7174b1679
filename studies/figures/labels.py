"""Short labels for an axis: two values that differ never get the same label; and names of figures."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MAX_LABEL = 32  # characters


def shortened(text: str, longest: int = MAX_LABEL) -> str:
    """A text on one line, its middle cut out where it is long, without characters that control a terminal or the
    direction of writing."""
    plain = "".join(" " if each in "\n\r\t" else each for each in text if each in "\n\r\t" or _is_shown(each))
    if len(plain) <= longest:
        return plain
    end = longest // 3
    return f"{plain[: longest - end - 1]}…{plain[-end:]}"


def labels(texts: Sequence[str], longest: int = MAX_LABEL) -> list[str]:
    """A label for each text, the same for the same text, another for another one."""
    given: dict[str, str] = {}
    taken: dict[str, int] = {}
    for text in texts:
        if text not in given:
            label = shortened(text, longest)
            count = taken[label] = taken.get(label, 0) + 1
            given[text] = label if count == 1 else f"{label} ({count})"
    return [given[text] for text in texts]


def slug(text: str) -> str:
    """As a part of a figure's key: lower case and hyphens."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in text.lower())
    return "-".join(filter(None, kept.split("-")))[:40] or "x"


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co") or character in "\u200c\u200d"
