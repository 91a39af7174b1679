"""The memory that waiting trials need, for a worker that packs them onto devices."""

from __future__ import annotations

from objectives.process.warm import WarmServer
from storage.ledger import Ledger
from studies.slots.packing import ESTIMATE, Packing, Wish, wish_of

MAX_WISHES = 64
"""Waiting trials among which one is searched that fits on a device."""


class Wishes:
    """The needs of the next trials; the objective estimates each once."""

    def __init__(self, warm: WarmServer) -> None:
        self._warm = warm
        self._known: dict[int, Wish] = {}

    def read(self, ledger: Ledger, packing: Packing, first: list[int]) -> list[Wish]:
        """What the next trials need, in the order of claims, after those with the numbers `first`; numbers that wait no
        more are dropped from it."""
        asked = ledger.next_points(len(first), first) if first else []
        first[:] = [each.number for each in asked]
        points = list({each.number: each for each in [*asked, *ledger.next_points(MAX_WISHES)]}.values())
        known = {each.number: self._known[each.number] for each in points if each.number in self._known}
        new = [each for each in points if each.number not in known or (each.alone and known[each.number].units)]
        costs = [each.cost for each in self._warm.inspect([each.config for each in new])] if new else []
        for each, cost in zip(new, costs, strict=True):
            known[each.number] = wish_of(each.number, cost, each.alone)
            if ESTIMATE not in cost:
                packing.missing(each.number)
        self._known = known
        return [known[each.number] for each in points]
