"""What `run` was asked for: its options, checked, with its definition read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS
from storage.names import check_name
from storage.records import Budget
from studies.definition.definition import SEARCHES, Definition
from studies.definition.units import parse_duration
from studies.slots.options import Elsewhere, cpu_slots, slots_of
from studies.slots.slot import Slot


@dataclass(frozen=True)
class Order:
    """What the command line asked for."""

    search: str
    name: str
    definition: Definition | None
    """As read from its file; None: there is no file, the study has to exist."""
    source: str
    """The file's name, for messages."""
    settings: Sequence[str]
    """`--set KEY=VALUE` as typed."""
    budget: Budget
    slots: tuple[Slot, ...]
    same_code: bool = False
    trust_study: bool = False
    join: bool = False
    """Only help a study that goes on: neither begin, change nor resume one."""
    elsewhere: Elsewhere | None = None
    """Of a launch: the slots of each of its workers."""

    @staticmethod
    def of(
        search: str,
        name: str,
        file: Path | None,
        settings: Sequence[str],
        gpus: str | None,
        per_gpu: int | None,
        gpu_memory: str | None,
        workers: int | None,
        threads: int | None,
        steps: int | None,
        timeout: str | None,
        max_trials: int | None,
        same_code: bool,
        trust_study: bool,
        join: bool,
        gpus_elsewhere: int | None,
    ) -> Order:
        """The options as typed, checked, with the definition that they name.

        Args:
            gpus_elsewhere: Of each worker that a scheduler is asked for; None: the worker is this process.

        Raises:
            UsageError: One of them is out of its range, or the definition is wrong.
        """
        if search not in SEARCHES:
            raise UsageError(f"run: no search {search!r}{nearest(search, SEARCHES)}")
        for option, value in (("--steps", steps), ("--max-trials", max_trials)):
            if value is not None and not 1 <= value < 2**31:
                raise UsageError(f"{option}: {value} is not a number from 1 to {2**31 - 1:,}")
        if steps is not None and search != "grow":
            raise UsageError(f"--steps: counts the steps of a growth; a {search} search has --max-trials and --timeout")
        seconds = None if timeout is None else parse_duration(timeout, "--timeout")
        budget = Budget(steps, max_trials, seconds)
        if join and (settings or file or budget != Budget() or gpus_elsewhere is not None):
            raise UsageError("--join: changes nothing of a study: it goes without --file, --set, budgets and --launch")
        elsewhere = None
        if gpus_elsewhere is None:
            slots = slots_of(gpus, per_gpu, gpu_memory, workers, threads)
        else:
            if gpus is not None:
                raise UsageError("the scheduler chooses the GPUs; --gpus-per-node or --num-gpus: how many", "--gpus")
            elsewhere, slots = Elsewhere(gpus_elsewhere, per_gpu, gpu_memory, workers, threads), cpu_slots(1, 1)
        definition, source = _read(search, name, file, join)
        return Order(search, name, definition, source, settings, budget, slots, same_code, trust_study, join, elsewhere)


def _read(search: str, name: str, file: Path | None, join: bool) -> tuple[Definition | None, str]:
    """The definition, if there is a file; and the file's name for messages.

    Raises:
        UsageError: The name or the file is wrong.
    """
    shipped = DEFINITIONS / f"{check_name(name)}.yaml"
    given = not join and (file is not None or shipped.exists())
    definition = Definition.load(file or shipped, search) if given else None
    return definition, f"studies/{name}.yaml" if file is None else str(file)
