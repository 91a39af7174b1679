"""`run`'s options, checked, with the definition that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS, definition_file, named_file
from storage.names import check_name
from storage.records import Budget
from studies.definition.definition import AUTO, SEARCHES, Definition
from studies.definition.units import parse_duration
from studies.slots.options import Elsewhere, cpu_slots, slots_of
from studies.slots.slot import Slot

SHIPPED = {
    "ablate": "dae431dc9fe50e1623f6196fd94c964878e42ec7bff1541821d3f38aed4d65c4",
    "depth-100m": "51e609a3216d6b51806d984fc1791a8b5125e002e66bee7bbe31f225ae991079",
    "difficulty": "6b220268e163f5c88f906c300ab511f0c32b0010cc558273f257510f23468588",
    "front": "522a5aee1d08d7c17260f0433f1f25f45eda3150ce71cb0311cd668c5920e670",
    "learning-range": "5a3c0a5a3d75abbe209ebd95df641a63ce01d0753278ee20e77b6a57b4dabc9e",
    "lobo": "35c1ab94294d643f30ec5ca9abc348c5f51714c0ed6801d458b467fe1437e21f",
    "sweep": "e23deec7c8ab86c775c7431aa01391d49143eba1d978e2e1640ca63f5a54e06a",
    "tune-lr": "2425133a60febf90a80438a2d34b1c30d0be38977523aadd6d056eca4e772054",
    "utilization": "05656e624f733cf6c2e391fb0ebfd597dad16b27eb170e844adb71c1b168398a",
}
"""The hashes of the definitions that ship with this version, by name."""


MAX_COUNT = 2**31 - 1
"""Of steps and of trials: a column of the database holds no more."""


@dataclass(frozen=True)
class Order:
    """`run`'s options, checked."""

    search: str | None
    """None: the definition's, or the study's."""
    name: str
    definition: Definition | None
    """Read from its file; None: there is no file, so the study has to exist."""
    source: str
    """The file's name, for messages."""
    settings: Sequence[str]
    """`--set KEY=VALUE` as typed."""
    budget: Budget
    slots: tuple[Slot, ...]
    unedited: bool = False
    """Whether the definition ships with this version and is as it came."""
    same_code: bool = False
    trust_study: bool = False
    laptop: bool = False
    """Whether `--laptop` is given; the definition then has its `laptop:` block laid over it."""
    join: bool = False
    """Only join a study that is running; never start, change or resume one."""
    elsewhere: Elsewhere | None = None
    """The slots of each launched worker; None: nothing is launched."""

    @staticmethod
    def of(
        words: Sequence[str],
        name: str | None,
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
        laptop: bool,
        join: bool,
        keep_going: bool,
        gpus_elsewhere: int | None,
    ) -> Order:
        """The options as typed, checked, with the definition that they name.

        Args:
            words: `[SEARCH] NAME [KEY=VALUE]...`.
            name: Of `--study`, in place of the word.
            gpus_elsewhere: GPUs of each launched worker; None: the worker is this process.

        Raises:
            UsageError: One of them is out of its range, or the definition is wrong.
        """
        search, name, bare = _parsed(words, name)
        name, file = named_file(name, file)
        settings = (*settings, *bare)
        for option, value in (("--steps", steps), ("--max-trials", max_trials)):
            if value is not None and not 1 <= value <= MAX_COUNT:
                limit = "less than 1" if value < 1 else f"more than {MAX_COUNT:,}"
                raise UsageError(f"{option}: {value} is {limit}")
        seconds = None if timeout is None else parse_duration(timeout, "--timeout")
        budget = Budget(steps, max_trials, seconds, keep_going)
        if join and (settings or file or laptop or budget != Budget() or gpus_elsewhere is not None):
            others = "--file, --set, --laptop, budgets, --keep-going and --launch"
            raise UsageError(f"--join cannot change a study: remove {others}")
        elsewhere, shares = None, (per_gpu, gpu_memory, workers, threads)
        if gpus_elsewhere is not None:
            if gpus is not None:
                raise UsageError("the scheduler chooses the GPUs; --gpus-per-node or --num-gpus: how many", "--gpus")
            elsewhere = Elsewhere(gpus_elsewhere, *shares)
        slots = slots_of(gpus, *shares) if elsewhere is None else cpu_slots(1, 1)
        definition, source, unedited = _read(search, name, file, join)
        if laptop and definition is not None:
            definition = definition.with_laptop(source)
        search = search or (None if definition is None else definition.search)
        if steps is not None and search not in ("grow", None):
            raise UsageError(f"--steps: counts the steps of a growth; a {search} search has --max-trials and --timeout")
        known = (search, name, definition, source, settings, budget, slots, unedited)
        return Order(*known, same_code, trust_study, laptop, join, elsewhere)

    @property
    def note(self) -> str | None:
        """The keys of the file's config that are left out, if there are any."""
        if self.definition is None or not self.definition.ignored:
            return None
        names, auto = ", ".join(self.definition.ignored), self.definition.config_ignores == AUTO
        return f"config: ignored: {names}" + (" (they change no result here; config_ignores)" if auto else "")


def _parsed(words: Sequence[str], name: str | None) -> tuple[str | None, str, Sequence[str]]:
    """The search, the study's name and the bare `KEY=VALUE`s.

    Raises:
        UsageError: There is no name, or a word too many.
    """
    search = words[0] if words and words[0] in SEARCHES else None
    bare = [word for word in words if "=" in word]
    names = [word for word in words[search is not None :] if "=" not in word]
    if len(names) > (name is None):
        what = (
            f"no search {names[0]!r}{nearest(names[0], SEARCHES)}"
            if search is None
            else f"{names[-1]!r} is one study too many"
        )
        raise UsageError(f"run: {what}")
    found = name or next(iter(names), None)
    if found is None:
        raise UsageError("run: which study? `run grow lobo`, or `run grow --study lobo`")
    return search, found, bare


def _read(search: str | None, name: str, file: Path | None, join: bool) -> tuple[Definition | None, str, bool]:
    """The definition, if there is a file; the file's name for messages; and whether it is as it came.

    Raises:
        UsageError: The name or the file is wrong.
    """
    check_name(name)
    found = file if file is not None or join else definition_file(name)
    definition = None if found is None else Definition.load(found, search)
    shipped = found is None or found == DEFINITIONS / f"{name}.yaml"
    source = f"studies/{name}.yaml" if shipped else str(found)
    if found is None or definition is None or found.resolve().parent != DEFINITIONS.resolve():
        return definition, source, False
    return definition, source, definition.hash == SHIPPED.get(found.stem)
