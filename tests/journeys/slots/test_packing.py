"""Packing by estimates: each trial has the memory that its objective says it takes, nobody else has a part of that, and
the big ones get their turn."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from objectives.outcome import Kind
from studies.slots.leases import UNIT, Span, gaps, held, holder_record, take, take_turn, turn_is_taken
from studies.slots.options import MIN_SHARE_BYTES, gpu_slots, packed_slots
from studies.slots.packing import CONTEXT_BYTES, Packing, Wish, wish_of
from studies.slots.pool import SlotPool
from studies.slots.slot import Slot
from tests.support.devices import FIRST, RECORDED, SECOND, audit, definition
from tests.support.packing import GIB, PACKED, TWO
from tests.support.program import Program, path

pytestmark = pytest.mark.usefixtures("devices")

WHOLE = TWO[0].memory_total // UNIT


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def packer(said: list[str]) -> Callable[..., tuple[SlotPool, Packing]]:
    """A pool as a worker's of its own, with so many places on each device."""

    def make(count: int = 4, cards: int = 2) -> tuple[SlotPool, Packing]:
        pool = SlotPool(packed_slots(TWO[:cards], count, 1), said.append)
        return pool, Packing(pool, said.append)

    return make


Packer = Callable[..., tuple[SlotPool, Packing]]


def test_a_trials_share_is_its_estimate_and_what_cuda_takes_and_a_tenth() -> None:
    assert wish_of(3, {"memory_bytes": 10 << 30, "params": 5}, False) == Wish(3, 11 * GIB + CONTEXT_BYTES // UNIT)
    assert wish_of(3, {"memory_bytes": 1}, False) == Wish(3, -(-(2 + CONTEXT_BYTES) // UNIT))
    assert (2 + CONTEXT_BYTES) >= MIN_SHARE_BYTES


@pytest.mark.parametrize("cost", [{}, {"params": 7}, *({"memory_bytes": x} for x in (math.nan, math.inf, 0, -5))])
def test_without_an_estimate_or_after_out_of_memory_it_is_a_whole_device(cost: dict[str, float]) -> None:
    assert wish_of(3, cost, False) == wish_of(3, {"memory_bytes": 1 << 30}, True) == Wish(3, None)


def test_gaps_are_what_is_not_held() -> None:
    assert gaps(FIRST, Span(0, 100)) == [Span(0, 100)]
    leases = [take(FIRST, span, holder_record("a")) for span in (Span(0, 10), Span(30, 40), Span(90, 200))]
    assert gaps(FIRST, Span(0, 100)) == [Span(10, 30), Span(40, 90)]
    assert gaps(FIRST, Span(0, 200)) == [Span(10, 30), Span(40, 90)]
    for lease in leases:
        assert lease is not None
        lease.close()
    assert gaps(FIRST, Span(0, 100)) == [Span(0, 100)]


def test_a_trial_goes_where_the_room_is_tightest_and_has_that_share(packer: Packer) -> None:
    pool, packing = packer()
    lease = take(SECOND, Span(0, 50 * GIB), holder_record("other"))
    slot = packing.place(Wish(0, 20 * GIB), True, [], "a")
    assert slot is not None and (slot.gpu, slot.share) == (SECOND, Span(50 * GIB, 70 * GIB))
    assert slot.memory_fraction == 0.25 and slot.environment["STUDYHALL_MEMORY_FRACTION"] == "0.25"
    busy = [slot.name]
    other = packing.place(Wish(1, 20 * GIB), True, busy, "a")
    assert other is not None and (other.gpu, other.share) == (FIRST, Span(0, 20 * GIB))
    pool.ended(slot, 0, Kind.COMPLETED)
    assert gaps(SECOND, Span(0, WHOLE)) == [Span(50 * GIB, WHOLE)], "a share goes with its trial"
    pool.release([])
    assert lease is not None
    lease.close()


def test_a_trial_that_fits_nowhere_waits_for_one_device_where_nothing_else_begins(
    packer: Packer, said: list[str]
) -> None:
    """Another study's small trials come and go: without a turn the big one would wait for ever."""
    pool, packing = packer()
    theirs, other = packer(count=16)
    busy: list[str] = []
    for number in range(10):
        slot = other.place(Wish(number, 15 * GIB), True, busy, "small")
        busy += [slot.name] if slot is not None else []
    other.leave()
    assert packing.place(Wish(7, 70 * GIB), True, [], "big") is None
    [closed] = [device for device in (FIRST, SECOND) if turn_is_taken(device)]
    assert said[-1] == f"trial 7 waits for 70 GiB of gpu{(FIRST, SECOND).index(closed)}: nothing else starts there"
    for name in list(busy):
        slot = next(each for each in theirs.slots if each.name == name)
        if slot.gpu == closed:
            assert packing.place(Wish(7, 70 * GIB), True, [], "big") is None
            busy.remove(name)
            theirs.ended(slot, 0, Kind.COMPLETED)
            again = other.place(Wish(99, 1 * GIB), False, busy, "small")
            assert again is None or again.gpu != closed
            busy += [again.name] if again is not None else []
    theirs.release(busy)
    began = packing.place(Wish(7, 70 * GIB), True, [], "big")
    assert began is not None and began.gpu == closed and not turn_is_taken(closed)
    rest = other.place(Wish(100, 9 * GIB), True, busy, "small")
    assert rest is not None
    assert sum("waits for" in line for line in said) == 1
    for each in (pool, theirs):
        each.release([])


def test_who_had_a_turn_leaves_the_next_one_to_others(packer: Packer) -> None:
    """A study with many trials that fill the device, and another's big one: it is not kept out for ever."""
    pool, many = packer(cards=1)
    first = many.place(Wish(0, 35 * GIB), True, [], "many")
    second = many.place(Wish(1, 35 * GIB), True, ["gpu0.0"], "many")
    assert first is not None and second is not None
    busy = [first.name, second.name]
    assert many.place(Wish(2, 35 * GIB), True, busy, "many") is None and turn_is_taken(FIRST)
    other, big = packer(cards=1)
    assert big.place(Wish(0, 70 * GIB), True, [], "big") is None, "it is not its turn yet"
    pool.ended(first, 0, Kind.COMPLETED)
    third = many.place(Wish(2, 35 * GIB), True, busy[1:], "many")
    assert third is not None
    assert many.place(Wish(3, 35 * GIB), True, [busy[1], third.name], "many") is None and not turn_is_taken(FIRST)
    assert big.place(Wish(0, 70 * GIB), True, [], "big") is None and turn_is_taken(FIRST)
    for slot in (second, third):
        pool.ended(slot, 0, Kind.COMPLETED)
        assert many.place(Wish(3, 35 * GIB), True, [], "many") is None
    assert big.place(Wish(0, 70 * GIB), True, [], "big") is not None
    other.release([])


def test_a_fixed_share_is_let_go_of_between_trials_for_who_waits(packer: Packer) -> None:
    fixed = SlotPool(gpu_slots(TWO[:1], 2, None, 1), lambda line: None)
    first = fixed.take([], "fixed")
    assert first is not None and fixed.take([], "fixed") is first
    pool, packing = packer(cards=1)
    assert packing.place(Wish(0, None), True, [], "big") is None
    assert fixed.take([], "fixed") is None and held(FIRST) == []
    slot = packing.place(Wish(0, None), True, [], "big")
    assert slot is not None and slot.share == Span(0, WHOLE) and slot.memory_fraction == 1
    pool.release([])


def test_the_turn_goes_with_its_holder_and_is_one_persons(packer: Packer) -> None:
    turn = take_turn(FIRST)
    assert turn is not None and take_turn(FIRST) is None and turn_is_taken(FIRST) and not turn_is_taken(SECOND)
    assert take(FIRST, Span(0, 10), holder_record("a")) is None and held(FIRST) == []
    lease = take(FIRST, Span(0, 10), holder_record("a"), turn)
    assert lease is not None
    turn.close()
    assert not turn_is_taken(FIRST)
    lease.close()


def test_a_trial_too_big_for_every_device_is_said_once_and_has_the_biggest_alone(
    packer: Packer, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = (
        Slot(f"gpu{n}.0", "cuda", 1, gpu, Span(0, GIB * size), 1.0, True)
        for n, gpu, size in ((0, FIRST, 40), (1, SECOND, 80))
    )
    pool = SlotPool([small, large], said.append)
    packing = Packing(pool, said.append)
    lease = take(SECOND, Span(0, GIB), holder_record("a"))
    assert lease is not None
    for _ in range(3):
        assert packing.place(Wish(5, 100 * GIB), True, [], "a") is None
    lease.close()
    slot = packing.place(Wish(5, 100 * GIB), True, [], "a")
    assert slot is not None and (slot.gpu, slot.share, slot.memory_fraction) == (SECOND, Span(0, 80 * GIB), 1)
    assert said == ["trial 5 is estimated to need 100 GiB, the largest GPU here has 80 GiB: it runs there alone"]
    pool.release([])


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_no_two_shares_overlap_and_everything_gets_its_turn(
    packer: Packer, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers of three studies with trials of every size; a trial ends at random, and never more than that."""
    random.seed(seed)
    monkeypatch.setattr("studies.slots.packing.TURN_PAUSE_SECONDS", 0.0)
    workers = [packer(count=8) for _ in range(3)]
    queues = [[random.choice([1, 2, 5, 30, 60, 79, None]) for _ in range(20)] for _ in workers]
    running: list[dict[str, Slot]] = [{} for _ in workers]
    rounds = 0
    while any(queues) or any(running):
        rounds += 1
        assert rounds < 500, "somebody waits for ever"
        for (_, packing), queue, mine in zip(workers, queues, running, strict=True):
            for place, size in enumerate(list(queue[:8])):
                wish = Wish(place, None if size is None else size * GIB)
                slot = packing.place(wish, place == 0, mine, "a")
                if slot is not None:
                    mine[slot.name] = slot
                    queue.pop(place)
                    break
            if not queue:
                packing.leave()
        spans = sorted((slot.gpu or "", slot.share.start, slot.share.end) for each in running for slot in each.values())
        for one, next_ in pairwise(spans):
            assert one[0] != next_[0] or one[2] <= next_[1]
        alive = [(who, name) for who, each in enumerate(running) for name in each]
        who, name = random.choice(alive)
        workers[who][0].ended(running[who].pop(name), 0, Kind.COMPLETED)
    assert held(FIRST) == held(SECOND) == []


def test_a_trial_that_outgrows_its_estimate_has_a_device_alone_the_second_time(
    program: Program, tmp_path: Path
) -> None:
    code = PACKED.replace("FOLDER", repr(str(tmp_path))) + (
        "\ndef tight(config, trial):\n"
        "    if config['n_head'] > 1 and os.environ['STUDYHALL_MEMORY_FRACTION'] != '1':\n"
        "        raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB')\n"
        "    return packed(config, trial)\n"
    )
    file = definition(tmp_path, "a", "tight", code, steps=1)
    told = program("run", "grow", "--study", "a", "--file", file, "--gpu-memory", "auto")
    assert told.returncode == 0, told.stderr
    certificate = audit(program, "a")
    assert certificate["extra_attempts"] == {"out_of_memory": 1} and certificate["points"]["failed"] == 0
    assert path(program, "a") == ["mlp_size"]


def test_packing_by_estimates_without_a_gpu_is_one_line(program: Program, environment: dict[str, str]) -> None:
    environment["STUDYHALL_DEVICES"] = str(RECORDED / "none.json")
    for arguments in (["--gpu-memory", "auto"], ["--gpu-memory", "auto", "--workers", "2"]):
        told = program("run", "grow", "--study", "lobo", *arguments)
        assert told.returncode == 2 and told.stderr.count("\n") == 1 and "GPU" in told.stderr, told.stderr
    assert json.loads(program("gpus", "--json").stdout)["devices"] == []
