"""A grid study as a folder of files, as programs for such sweeps write them.

sweep-dir    a summary and one text file a combination
tasks        one flat YAML file a point, for a cluster's job array
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from samplers.searches.nested import flattened
from samplers.searches.noise import mean
from storage.errors import UsageError
from storage.files import replacing
from storage.records import TrialRow
from studies.definition.yaml_text import is_plain
from studies.history.trials import in_order
from studies.settings.grid_cells import Cell, Ranking, cells_of, ranking

MAX_FILE_NAME_CHARACTERS = 150
NO_RESULT = ("diverged", "out_of_memory", "timed_out")
"""Outcomes of a training that ran but has no result; every other outcome without a score is an error."""


@dataclass(frozen=True)
class Folder:
    """A folder to be written: its name and its files, by path within."""

    name: str
    files: Iterable[tuple[str, str]]

    def __str__(self) -> str:
        """The files one after another, each under its path, where standard output takes the folder."""
        return "\n".join(f"==> {self.name}/{name} <==\n{text}" for name, text in self.files)

    def write(self, parent: Path) -> Path:
        """Write it whole or not at all: aside, and then renamed.

        Raises:
            UsageError: The folder exists, or it cannot be written.
        """
        folder = parent / self.name
        if folder.exists():
            raise UsageError(f"{folder} exists; give another folder", "--out")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with replacing(folder) as aside:
                aside.mkdir()
                for name, text in self.files:
                    (aside / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--out: {folder}: {error.strerror}") from error
        return folder


def sweep_folder(
    rows: Sequence[TrialRow], metric: str, direction: str, now: datetime, output: Callable[[int], str]
) -> Folder:
    """`sweep-dir`: `sweep_results_<now>/` with `sweep_summary.txt` and one text file a combination.

    Args:
        output: The console output of a trial, by its number. A combination's is read when its file is written.
    """
    names = dict(_named(cells_of(rows, metric)))
    ranked = ranking(rows, metric, direction)

    def files() -> Iterator[tuple[str, str]]:
        yield "sweep_summary.txt", _summary(names, ranked, metric, now)
        for cell in (*ranked.scored, *ranked.pruned, *ranked.without):
            yield f"{names[_key(cell)]}.txt", _combination(cell, metric, output)

    return Folder(f"sweep_results_{now:%Y%m%d_%H%M%S}", files())


def file_name(setting: Mapping[str, Any]) -> str:
    """`n_layer_1_n_head_1_dropout_0.1`; characters that no file name may hold are replaced and a digest is added."""
    wanted = "_".join(f"{name}_{value}" for name, value in setting.items()) or "setting"
    safe = re.sub(r"[^A-Za-z0-9_.,+-]|\.\.+|^[.-]", "-", wanted)[:MAX_FILE_NAME_CHARACTERS]
    return safe if safe == wanted else f"{safe}-{_digest(setting)}"


def _named(cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    """A name for each cell. Cells of one setting whose configs differ get a digest."""
    seen = set()
    for cell in cells:
        name = file_name(cell.setting)
        if name.lower() in seen:
            name = f"{name}-{_digest(cell.config)}"
        seen.add(name.lower())
        yield _key(cell), name


def _key(cell: Cell) -> str:
    return json.dumps(cell.config, sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _summary(names: Mapping[str, str], ranked: Ranking, metric: str, now: datetime) -> str:
    """The best is one with all its seeds, if there is any. Pruned combinations have lines where there are some."""
    scored, pruned, without = ranked.scored, ranked.pruned, ranked.without
    errors = [cell for cell in without if any(row.outcome not in NO_RESULT for row in cell.failed)]
    failed = [cell for cell in without if cell.failed and cell not in errors]
    missing = [cell for cell in without if not cell.failed]
    lines = [
        f"Date: {now:%Y-%m-%d %H:%M:%S}",
        f"Total combinations: {len(scored) + len(pruned) + len(without)}",
        f"Successful: {len(scored)}",
        f"Failed: {len(failed)}",
        f"Error: {len(errors)}",
        *([f"Pruned: {len(pruned)}"] if pruned else []),
        "",
        f"Combinations by mean {metric}, the best first:",
        *(f"{names[_key(cell)]}: {cell.mean!r} (n={len(cell.scores)}{_spread(cell)})" for cell in scored),
        *(f"{names[_key(cell)]}: pruned" for cell in pruned),
        *(f"{names[_key(cell)]}: N/A" for cell in (*failed, *errors, *missing)),
    ]
    for title, cells in (("Failed", failed), ("Error", errors)):
        lines += ["", f"{title} combinations:"]
        lines += [f"{names[_key(cell)]}: {cell.failed[0].reason or 'no reason kept'}" for cell in cells] or ["none"]
    if pruned:
        lines += ["", "Pruned combinations:"]
        lines += [f"{names[_key(cell)]}: {cell.pruned[0].reason or 'no reason kept'}" for cell in pruned]
    if scored:
        whole = ranked.ranked or scored
        lines += [
            "",
            f"Best: {whole[0].mean!r}",
            f"Worst: {whole[-1].mean!r}",
            f"Mean: {mean(cell.mean for cell in whole)!r}",
            "",
            "Best configuration:",
            *(f"{name}: {value}" for name, value in whole[0].setting.items()),
        ]
    return "\n".join(lines) + "\n"


def _spread(cell: Cell) -> str:
    return "" if cell.sd is None else f", sd={cell.sd!r}"


def _combination(cell: Cell, metric: str, output: Callable[[int], str]) -> str:
    lines = [f"{name}: {value}" for name, value in cell.setting.items()]
    lines += ["", f"Mean {metric}: {cell.mean!r}" if cell.scores else f"Mean {metric}: N/A"]
    for row in cell.rows:
        lines += ["", f"Trial {row.number}, seed {row.seed}: {row.state}{f', {row.reason}' if row.reason else ''}"]
        lines += [] if row.seconds is None else [f"Time: {row.seconds:.1f} s"]
        lines += [f"{name}: {value!r}" for name, value in row.metrics.items()]
    lines += ["", "Configuration:", *(f"{name}: {value}" for name, value in cell.config.items())]
    for row in cell.rows:
        lines += ["", f"Output of trial {row.number}, seed {row.seed}:", output(row.number).rstrip("\n")]
    return "\n".join(lines) + "\n"


# A file a point


def tasks_folder(rows: Sequence[TrialRow]) -> Folder:
    """`tasks`: `tasks/1.yaml` … `tasks/N.yaml`, each point's config with dotted keys and its seed, in the order of the
    grid."""
    texts = (_task(row) for row in in_order(rows))
    return Folder("tasks", ((f"{number}.yaml", text) for number, text in enumerate(texts, 1)))


def _task(row: TrialRow) -> str:
    return yaml.dump({**flattened(row.config), "seed": row.seed}, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Quotes a text that YAML 1.2 would read as a number, such as `1e-4`."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain(text) else "'")


_Dumper.add_representer(str, _represent)
