"""`run`'s options, checked, with the definition that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS, definition_file
from storage.names import check_name
from storage.records import Budget
from studies.definition.definition import AUTO, SEARCHES, Definition
from studies.definition.units import parse_duration
from studies.slots.options import Elsewhere, cpu_slots, slots_of
from studies.slots.slot import Slot

SHIPPED = {
    "ablate": "c2b265f1901c1def37664bae317fdc3f145d67e7a41f81ae9a8da937cc2040d2",
    "depth-100m": "6273e7c6ac4c0e5e05ed4f815bb89e5df9959738f5e996baf08bef174912ce44",
    "difficulty": "2dbfbd0bf0fc26d714ccc9930b8001cc652ee5256fe52b8807ddea14828d7633",
    "front": "00bd2327849aa60e0f11f318ba6c0200583762f9b3b115a42f214b01cf97db5f",
    "learning-range": "54b875cb0c1438f3ab4a5fff6fbacc6623a3ffd397a6a89b344b40be0678149a",
    "lobo": "9a8ad2dad1a3c031104fd563f68a7f604f5bdaa17d4727456d770d0207f289aa",
    "sweep": "95d1fc376af039f25392530ecb941b37176bf6882fc30ee6d00e6c06a278896a",
    "tune-lr": "45c02fc841b08c2d3e8e0c0f3918c77ca24605b99e059b74d1112567be2a11bf",
    "utilization": "01502771b85e795c2a9b9c866e19bd1baf644cdda2933c008c90909608c6b930",
}
"""The hashes of the definitions that ship with this version, by name."""


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
        settings = (*settings, *bare)
        for option, value in (("--steps", steps), ("--max-trials", max_trials)):
            if value is not None and not 1 <= value < 2**31:
                raise UsageError(f"{option}: {value} is not a number from 1 to {2**31 - 1:,}")
        seconds = None if timeout is None else parse_duration(timeout, "--timeout")
        budget = Budget(steps, max_trials, seconds, keep_going)
        if join and (settings or file or budget != Budget() or gpus_elsewhere is not None):
            raise UsageError("--join cannot change a study: remove --file, --set, budgets, --keep-going and --launch")
        elsewhere, shares = None, (per_gpu, gpu_memory, workers, threads)
        if gpus_elsewhere is not None:
            if gpus is not None:
                raise UsageError("the scheduler chooses the GPUs; --gpus-per-node or --num-gpus: how many", "--gpus")
            elsewhere = Elsewhere(gpus_elsewhere, *shares)
        slots = slots_of(gpus, *shares) if elsewhere is None else cpu_slots(1, 1)
        definition, source, unedited = _read(search, name, file, join)
        search = search or (None if definition is None else definition.search)
        if steps is not None and search not in ("grow", None):
            raise UsageError(f"--steps: counts the steps of a growth; a {search} search has --max-trials and --timeout")
        known = (search, name, definition, source, settings, budget, slots, unedited)
        return Order(*known, same_code, trust_study, join, elsewhere)

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
