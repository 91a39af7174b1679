"""A number inside a line of output, read whole: sign, thousands, exponent, and the unit where a definition asks for it.

A pattern like `loss ([0-9.]+)` finds only a part of `5.1e-05`, `12,345.6` or `980K`. This module widens the part to the
whole number. Text that is no number by its rules is refused, never read in part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException

SIGNS = r"+\-−"  # inside [ ]; the last one is typography's minus
GROUP_MARKS = ",_'’\u00a0\u202f\u2009"  # between thousands; the last three are spaces that do not break
NUMBER = re.compile(
    rf"""
    (?: (?<![\w.{SIGNS}\)\]]) [{SIGNS}] )?    # a hyphen that joins two words is no sign
    (?: (?: [1-9][0-9]{{0,2}} (?P<mark>[{GROUP_MARKS}]) [0-9]{{3}} (?: (?P=mark) [0-9]{{3}} )* (?![0-9]) | [0-9]+ )
        (?: \.[0-9]* )?
      | (?<!\w) \.[0-9]+ )
    (?: [eE] [{SIGNS}]? [0-9]+ )?
    """,
    re.VERBOSE,
)
WORD = re.compile(r"[^\W\d_]+|%")
SPACED_UNIT = re.compile(r" ([KMGBT]|[KMGT]i?B)(?=$|[,;)\]|]|\s\s|\t| param)")
CLOCK = re.compile(r"(?:(\d+)-(?=\d+:\d\d:))?(\d+):(\d\d)(?::(\d\d))?(\.\d+)?(?![\d:])")
DIVIDER = re.compile(r", and | and |, | |")
"""Between the parts of a duration: `2 hours, 3 minutes`."""
SPACED_WORD = re.compile(rf"[ \u00a0\u202f\u2009]({WORD.pattern})")
SIZED_NOUN = re.compile(
    r"[kmgbt](?:params?|parameters?|weights?|tok|tokens?|words?|samples?|examples?|steps?|flops?|macs?|bits?|bps)",
    re.IGNORECASE,
)
"""`124 Mparams`: a size, with what is counted."""
BITS = re.compile(r"[KMGT]i?b")
OPENING, CLOSING = " \t([{<\"'=:~≈|", " \t)]}>\"',;:.|!"

COUNT_UNITS = {
    **dict.fromkeys(("K", "k", "thousand"), "1e3"),
    **dict.fromkeys(("M", "m", "million", "millions"), "1e6"),
    **dict.fromkeys(("G", "B", "b", "billion", "billions"), "1e9"),
    **dict.fromkeys(("T", "trillion", "trillions"), "1e12"),
}
FRACTIONS = dict.fromkeys(("%", "percent", "pct"), "0.01")
SECONDS = {
    **dict.fromkeys(("ns", "nsec", "nsecs", "nanosecond", "nanoseconds"), "1e-9"),
    **dict.fromkeys(("us", "µs", "μs", "usec", "usecs", "microsecond", "microseconds"), "1e-6"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "1e-3"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "1"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "60"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "3600"),
    **dict.fromkeys(("d", "day", "days"), "86400"),
    **dict.fromkeys(("week", "weeks"), "604800"),
}
BYTES = {
    **dict.fromkeys(("B", "byte", "bytes"), "1"),
    **{f"{prefix}{ending}": f"1e{3 * power}" for power, prefix in enumerate("KMGT", 1) for ending in ("", "B")},
    "kB": "1e3",
    **{f"{prefix}iB": str(1 << (10 * power)) for power, prefix in enumerate("KMGT", 1)},
    **{
        f"{prefix}byte{ending}": f"1e{3 * power}"
        for power, prefix in enumerate(("kilo", "mega", "giga", "tera"), 1)
        for ending in ("", "s")
    },
    **{
        f"{prefix}byte{ending}": str(1 << (10 * power))
        for power, prefix in enumerate(("kibi", "mebi", "gibi", "tebi"), 1)
        for ending in ("", "s")
    },
}
KNOWN_UNITS = frozenset(word.casefold() for table in (COUNT_UNITS, FRACTIONS, SECONDS, BYTES) for word in table)


@dataclass(frozen=True)
class Unit:
    """The unit in which a metric is kept, and the units that may be printed for it."""

    size: str
    """Of the unit itself, in the table's base unit; a bare number is taken to be in it."""
    printed: Mapping[str, str]

    def size_of(self, word: str) -> str | None:
        """Of a printed unit: as the table spells it, or in other letters (`Hours`, `gb`) where they mean one size."""
        if word in self.printed or len(word) == 1 or BITS.fullmatch(word):
            return self.printed.get(word)
        sizes = {size for name, size in self.printed.items() if name.casefold() == word.casefold()}
        return sizes.pop() if len(sizes) == 1 else None


UNITS = {
    "count": Unit("1", COUNT_UNITS),
    "fraction": Unit("1", FRACTIONS),
    "%": Unit("0.01", FRACTIONS),
    "seconds": Unit("1", SECONDS),
    **{name: Unit(SECONDS[name], SECONDS) for name in ("ns", "us", "ms", "s", "min", "h")},
    "bytes": Unit("1", BYTES),
    **{name: Unit(BYTES[name], BYTES) for name in ("KB", "MB", "GB", "KiB", "MiB", "GiB")},
}
"""What a definition may ask for: `{pattern: …, unit: count}`."""


@dataclass(frozen=True)
class Refused:
    """Text that stands where a number was looked for."""

    text: str
    hint: str = ""


@dataclass(frozen=True)
class Surroundings:
    """The text beside its number that a pattern itself spells: `([0-9.]+)ms` means milliseconds, `(\\d+),` a list."""

    before: str = ""
    after: str = ""

    @staticmethod
    def of(pattern: str) -> Surroundings:
        before = re.search(r"([^\\])\((?!\?)", pattern)
        after = re.search(r"(?<!\\)\)(?:\\s[*+?]?| [*+?]?)*(?:\((?:\?:)?)?([^()]*)", pattern)
        return Surroundings(before[1] if before else "", after[1] if after else "")

    def spells(self, word: str) -> bool:
        """Whether the text after the number is this word, or an alternative of it."""
        return word in re.split(r"[^\w%]+", self.after.replace("\\b", "|"))


def number_at(
    line: str, begin: int, end: int, unit: Unit | None = None, beside: Surroundings | None = None
) -> float | Refused | None:
    """The number of which `line[begin:end]` is a part; None where that holds no digit."""
    beside = beside or Surroundings()
    tokens = [token for token in NUMBER.finditer(line) if token.start() < end and begin < token.end()]
    if not tokens:
        return _other_digits(line[begin:end])
    start, stop = tokens[0].span()
    if beside.before == "," and line[:begin].endswith(","):
        start = begin
    if beside.after[:1] == "," and line[end : end + 1] == ",":
        stop = end
    text = line[start:stop]
    refused = Refused(_as_it_stands(line, min(begin, start), max(end, stop)))
    if not NUMBER.fullmatch(text) or line[begin:start].strip(OPENING) or _goes_on_before(line, start):
        return refused
    if unit is None:
        after, value = stop, float(_plain(text))
        wrong = _goes_on_after(line, start, stop, beside)
        if wrong is not None:
            return Refused(refused.text, wrong)
    else:
        found = _in_unit(line, start, stop, unit)
        if found is None:
            spaced = SPACED_WORD.match(line, stop)
            return refused if spaced is None else Refused(_as_it_stands(line, min(begin, start), spaced.end()))
        value, after = found
    return refused if line[after:end].strip(CLOSING) else value


def read_number(text: str) -> float | Refused | None:
    """A text that should be a number and nothing else: a table's cell."""
    try:
        return float(text)
    except ValueError:
        stripped = text.strip()
        found = number_at(stripped, 0, len(stripped))
        return Refused(stripped, found.hint) if isinstance(found, Refused) else found


def _other_digits(text: str) -> float | None:
    """A number in the digits of another script, as Python reads it."""
    try:
        return float(text)
    except ValueError:
        return None


def _goes_on_before(line: str, start: int) -> bool:
    """Whether more signs stand before it than a number has."""
    return re.search(rf"(?<![\w.\)\]])[{SIGNS}]+$", line[:start]) is not None


def _goes_on_after(line: str, start: int, stop: int, beside: Surroundings) -> str | None:
    """Whether the number goes on, so that it is not what was found: then a hint, which may be empty."""
    rest = line[stop:]
    word = WORD.match(rest)
    if word is not None and word[0] != "%":
        return None if beside.spells(word[0]) else _hint(word[0])
    spaced = SPACED_UNIT.match(rest)
    if spaced is not None and not beside.spells(spaced[1]):
        return _hint(spaced[1])
    if re.match(r"\.[0-9]|[×*^][0-9]", rest) or (rest[:1] == "(" and start and line[start - 1].isalpha()):
        return ""
    if re.match(r":[0-9]{2}(?![0-9])", rest) and beside.after[:1] != ":":
        return _hint("s")
    if re.match(rf"[{GROUP_MARKS}][0-9]", rest) and beside.after[:1] != rest[0]:
        return None if _is_list(line[start:stop], rest) else ""
    return None


def _is_list(text: str, rest: str) -> bool:
    """Whether a comma after a number begins the next one: in `0.5,0.25` and `12,0.5`, but not in `0,75`."""
    if re.match(r",[0-9]+\.[0-9]", rest):
        return True
    return "." in text and not re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text)


def _hint(word: str) -> str:
    for name in ("count", "bytes", "seconds"):
        if word in UNITS[name].printed:
            return f"unit: {name} reads it"
    return ""


def _in_unit(line: str, start: int, stop: int, unit: Unit) -> tuple[float, int] | None:
    """The value in this unit, and where its text ends; None where another kind of unit follows."""
    if unit.printed is SECONDS and (clock := CLOCK.match(line, start)):
        return _scaled(_clock_seconds(clock), unit), clock.end()
    total: Decimal | None = None
    while True:
        size, after = _printed_size(line, stop, unit)
        if size is None:
            return None
        try:
            part = Decimal(_plain(line[start:stop])) * Decimal(size)
            total = part if total is None else total + part
        except DecimalException:  # an exponent beyond all sense: infinite or zero
            return float(_plain(line[start:stop])) * float(size) / float(unit.size), after
        divider = DIVIDER.match(line, after)
        following = NUMBER.match(line, after if divider is None else divider.end())
        if unit.printed is not SECONDS or after == stop or following is None:
            break
        clock = CLOCK.match(line, following.start() + (following[0][0] == "+"))
        if clock is not None and size == SECONDS["day"]:  # `1 day, 2:03:04`
            return _scaled(total + _clock_seconds(clock), unit), clock.end()
        if line[after] == "," and not line[start:stop].isdecimal():
            break  # `1.5 s, 300 ms` is a list
        glued = following.start() == after
        # `1m 30s` is one duration; in Keras' `1s 34ms/step` the second is a rate of its own.
        smaller, beyond = _printed_size(line, following.end(), unit)
        if smaller is None or beyond == following.end() or Decimal(smaller) >= Decimal(size):
            if glued:
                return None
            break
        if not glued and line[beyond : beyond + 1] == "/":
            break
        start, stop = following.span()
    return _scaled(total, unit), after


def _printed_size(line: str, stop: int, unit: Unit) -> tuple[str | None, int]:
    """The size of the unit that follows a number, and where its word ends. A bare number is in the unit asked for."""
    rest = line[stop:]
    spaced = SPACED_WORD.match(rest)
    word = WORD.match(rest) or spaced
    if word is not None and (size := unit.size_of(word[0].strip())) is not None:
        return size, stop + word.end()
    if spaced is not None and _is_another_unit(spaced[1], rest[spaced.end() :]):
        return None, stop
    glued = WORD.match(rest) is not None or re.match(rf"\.[0-9]|[×*^][0-9]|[{GROUP_MARKS}][0-9]", rest) is not None
    part_of_clock = unit.printed is SECONDS and re.match(r"(-\d+)?:\d", rest) is not None
    return (None if glued or part_of_clock else unit.size), stop


def _is_another_unit(word: str, rest: str) -> bool:
    """Whether a word after a number is a unit, or a size with its noun; in `0.5 min: 0.25` it names the next number."""
    is_name = re.match(r" ?[:=]", rest) is not None
    return not is_name and (word.casefold() in KNOWN_UNITS or SIZED_NOUN.fullmatch(word) is not None)


def _clock_seconds(clock: re.Match[str]) -> Decimal:
    """Of D-HH:MM:SS, H:MM:SS or MM:SS."""
    days, first, second, third, part = clock.groups()
    whole = int(first) * 60 + int(second)
    seconds = int(days or 0) * 86400 + (whole if third is None else whole * 60 + int(third))
    return Decimal(seconds) + Decimal(f"0{part}" if part else 0)


def _scaled(value: Decimal, unit: Unit) -> float:
    return float(value / Decimal(unit.size))


def _plain(text: str) -> str:
    """A number as Python reads it: one sign, no marks between thousands."""
    return re.sub(f"[{GROUP_MARKS}]", "", text).replace("−", "-")


def _as_it_stands(line: str, begin: int, end: int) -> str:
    """The text around a part of it, as far as no space divides it."""
    while begin and re.match(rf"[\w.{SIGNS}{GROUP_MARKS}]", line[begin - 1]):
        begin -= 1
    spaced = SPACED_UNIT.match(line, end)
    if spaced is not None:
        return line[begin : spaced.end()][:80]
    while end < len(line) and not line[end].isspace():
        end += 1
    return line[begin:end].strip(CLOSING)[:80]
