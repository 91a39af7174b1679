"""Numbers in mixed radix: digit i counts from 0 to radices[i] - 1, and the last digit changes fastest.

A clock of 24 hours, 60 minutes and 60 seconds is one: second 3725 of the day is 1:02:05.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def digits_of(number: int, radices: Sequence[int]) -> list[int]:
    """The digits of a number below the product of the radices.

    >>> digits_of(3725, [24, 60, 60])
    [1, 2, 5]
    """
    digits = []
    for radix in reversed(radices):
        number, digit = divmod(number, radix)
        digits.append(digit)
    return digits[::-1]


def number_of(digits: Iterable[int], radices: Sequence[int]) -> int:
    """The number with these digits: the inverse of `digits_of`.

    >>> number_of([1, 2, 5], [24, 60, 60])
    3725
    """
    number = 0
    for digit, radix in zip(digits, radices, strict=True):
        number = number * radix + digit
    return number
