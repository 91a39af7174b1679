"""The fonts of this machine that matplotlib needs for a text, whatever its script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import fontManager, get_font

BASE = "DejaVu Sans"
"""Comes with matplotlib."""
MISSING_GLYPH = "\ufffd"


def families(texts: Iterable[str]) -> tuple[list[str], frozenset[str]]:
    """Font families for these texts, in order of preference; and the letters that no font here has."""
    wanted = {each for text in texts for each in text} - _letters(_files()[BASE])
    found, missing = [BASE], set()
    while wanted:
        letter = min(wanted)
        family = _family_of(letter)
        if family is None:
            missing.add(letter)
            wanted.discard(letter)
        else:
            found.append(family)
            wanted -= _letters(_files()[family])
    return found, frozenset(missing)


@cache
def _family_of(letter: str) -> str | None:
    """The first family, sans serif ones first, that has a letter."""
    names = sorted(_files(), key=lambda name: ("Sans" not in name, name))
    return next((name for name in names if letter in _letters(_files()[name])), None)


@cache
def _files() -> dict[str, str]:
    """A regular font's file of each family."""
    regular = {
        entry.name: entry.fname
        for entry in reversed(fontManager.ttflist)
        if entry.style == "normal" and entry.weight in (400, "normal", "regular") and "Last Resort" not in entry.name
    }
    return {**regular, BASE: fontManager.findfont(BASE)}


@cache
def _letters(file: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, get_font(file).get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
