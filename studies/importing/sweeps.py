"""Sweeps of other programs as a grid: W&B's sweep definitions, SEML's grids, Hydra's sweeper parameters.

A grid has lists of values. What has none (a distribution, an interval, a search's own choices) is named, and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from samplers.searches.nested import flattened
from storage.errors import UsageError
from studies.definition.yaml_text import read_scalar

MAX_VALUES = 10_000
"""Of an axis that is written out."""
SEED = "seed"
HYDRA_CALL = re.compile(r"(choice|range)\((.*)\)", re.DOTALL)
HYDRA_OTHER_CALL = re.compile(r"\w+\(")
WANDB_ARGUMENTS = {"${args}": "python", "${args_no_boolean_flags}": "omit", "${args_no_hyphens}": "hydra"}
"""How W&B writes a run's arguments, and `flags:` that writes them so."""


@dataclass
class Sweep:
    """A sweep as a grid."""

    program: str
    """Which program's file it was."""
    command: str
    flags: str
    axes: dict[str, Any] = field(default_factory=dict)
    zipped: list[list[str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    """By dotted names."""
    metric: str | None = None
    direction: str = "minimize"
    question: str | None = None
    repeats: int = 1
    seed: int | None = None
    unfit: list[str] = field(default_factory=list)
    """What a grid does not have, a line each."""

    def add(self, name: str, values: Sequence[Any]) -> None:
        """An axis, or a value that stays the same; seeds that follow each other are the grid's repeats."""
        if name == SEED and values and all(isinstance(each, int) for each in values):
            if [*values] == [*range(values[0], values[0] + len(values))]:
                self.seed, self.repeats = values[0], len(values)
            else:
                self.unfit.append(f"seed: {[*values]!r}: a grid's seeds follow each other: grid.seed and grid.repeats")
        elif len(values) == 1:
            self.config[name] = values[0]
        elif values:
            self.axes[name] = [*values]
        else:
            self.unfit.append(f"{name}: it has no values")


def sweep_of(document: Mapping[str, Any], where: str) -> Sweep | None:
    """A YAML document as a sweep; None: it is none that is known.

    Raises:
        UsageError: Nothing is varied in it.
    """
    hydra = document.get("hydra")
    if isinstance(document.get("parameters"), Mapping):
        made = _wandb(document)
    elif isinstance(document.get("seml"), Mapping):
        made = _seml(document)
    elif isinstance(hydra, Mapping) and isinstance((hydra.get("sweeper") or {}).get("params"), Mapping):
        made = _hydra(document, hydra["sweeper"]["params"])
    else:
        return None
    if not made.axes:
        raise UsageError(f"varies nothing that a grid could: {'; '.join(made.unfit) or 'it lists no values'}", where)
    return made


def _wandb(document: Mapping[str, Any]) -> Sweep:
    words = [str(each) for each in document.get("command") or ("python", "${program}", "${args}")]
    flags = next((WANDB_ARGUMENTS[each] for each in words if each in WANDB_ARGUMENTS), "python")
    known = {"${env}": "", "${interpreter}": "python", "${program}": str(document.get("program", "train.py"))}
    known |= dict.fromkeys(WANDB_ARGUMENTS, "{flags}") | {"${args_json}": "{config_json}"}
    command = " ".join(filter(None, (known.get(each, each) for each in words if each != "/usr/bin/env")))
    metric = document.get("metric") or {}
    made = Sweep("W&B", command, flags, metric=metric.get("name"), direction=str(metric.get("goal", "minimize")))
    made.question = document.get("description") or document.get("name")
    if document.get("method") != "grid":
        made.unfit.append(f"method: {document.get('method')}: this is the grid of the values that are listed")
    for key in ("early_terminate", "run_cap"):
        if key in document:
            made.unfit.append(f"{key}: `pruner:` and `run --max-trials` are what a grid has for it")
    for name, given in _wandb_parameters(document["parameters"], ""):
        if "values" in given:
            made.add(name, given["values"])
        elif "value" in given:
            made.config[name] = given["value"]
        else:
            shown = ", ".join(f"{key}: {value}" for key, value in given.items())
            made.unfit.append(f"{name}: {{{shown}}}: a grid needs its values: [a, b], {{range: …}} or {{log: …}}")
    return made


def _wandb_parameters(given: Mapping[str, Any], before: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in given.items():
        if isinstance(each, Mapping) and isinstance(each.get("parameters"), Mapping):
            yield from _wandb_parameters(each["parameters"], f"{before}{name}.")
        else:
            yield f"{before}{name}", each if isinstance(each, Mapping) else {"value": each}


def _seml(document: Mapping[str, Any]) -> Sweep:
    about = document["seml"]
    made = Sweep("SEML", f"python {about.get('executable', 'train.py')} with {{flags}}", "hydra", metric="result")
    made.question = about.get("description") or about.get("name")
    made.config |= flattened(document.get("fixed") or {})
    zips: dict[Any, list[str]] = {}
    for name, given in _seml_parameters(document.get("grid") or {}, ""):
        values = _seml_values(given)
        if values is None:
            shown = ", ".join(f"{key}: {value}" for key, value in given.items())
            made.unfit.append(f"{name}: {{{shown}}}: is not one of choice, range, uniform and loguniform")
            continue
        made.add(name, values)
        if "zip_id" in given and name in made.axes:
            zips.setdefault(given["zip_id"], []).append(name)
    made.zipped = [names for names in zips.values() if len(names) > 1]
    for name in _flat_names(document.get("random") or {}):
        made.unfit.append(f"random.{name}: is drawn by SEML: a grid lists its values")
    for name, each in document.items():
        if name not in ("seml", "slurm", "fixed", "grid", "random"):
            shown = "a sub-configuration: `groups:` of a grid" if isinstance(each, Mapping) else "is not of a grid"
            made.unfit.append(f"{name}: {shown}")
    return made


def _seml_parameters(given: Mapping[str, Any], before: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in given.items():
        if isinstance(each, Mapping) and "type" not in each:
            yield from _seml_parameters(each, f"{before}{name}.")
        elif isinstance(each, Mapping) and each["type"] == "parameter_collection":
            yield from _seml_parameters(each.get("params") or {}, f"{before}{name}.")
        else:
            yield f"{before}{name}", each if isinstance(each, Mapping) else {"type": "choice", "options": [each]}


def _seml_values(given: Mapping[str, Any]) -> list[Any] | None:
    """The values that SEML makes of a parameter; None: of another kind."""
    try:
        match given["type"]:
            case "choice":
                return list(given["options"])
            case "range":  # numpy's arange
                return _steps(given["min"], given["max"], given.get("step", 1))
            case "uniform":  # numpy's linspace
                low, high, count = given["min"], given["max"], given["num"]
                return [low + (high - low) * each / (count - 1) for each in range(count)]
            case "loguniform":
                low, high, count = given["min"], given["max"], given["num"]
                return [low * (high / low) ** (each / (count - 1)) for each in range(count)]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        pass
    return None


def _hydra(document: Mapping[str, Any], params: Mapping[str, Any]) -> Sweep:
    made = Sweep("Hydra", "python train.py {flags}", "hydra")
    made.unfit.append("the file does not name the script: `command:` says python train.py")
    for name, value in flattened(
        {key: each for key, each in document.items() if key not in ("hydra", "defaults")}
    ).items():
        if isinstance(value, str) and ("${" in value or value == "???"):
            made.unfit.append(f"{name}: {value}: is left to the script")
        else:
            made.config[name] = value
    if document.get("defaults"):
        made.unfit.append("defaults: the files that it names are left to the script")
    for name, given in params.items():
        values = _hydra_values(str(given)) if isinstance(given, str) else [given]
        if values is None or name.startswith(("+", "~")):
            made.unfit.append(f"{name}={given}: a grid needs its values: [a, b], {{range: …}} or {{log: …}}")
            continue
        if len(values) > 1:
            made.config.setdefault(name, values[0])
        made.add(name, values)
    return made


def _hydra_values(text: str) -> list[Any] | None:
    """The values of an override that sweeps; None: Hydra's sweeper chooses them."""
    call = HYDRA_CALL.fullmatch(text.strip())
    if call is None:
        return None if HYDRA_OTHER_CALL.match(text) else [read_scalar(each) for each in _parts(text)]
    parts = [read_scalar(each) for each in _parts(call[2])]
    if call[1] == "choice":
        return parts
    try:
        start, stop, *step = parts if len(parts) > 1 else (0, *parts)
        return _steps(start, stop, *(step or [1]))
    except (TypeError, ValueError):
        return None


def _parts(text: str) -> list[str]:
    """Split at commas that stand in no brackets and no quotes."""
    found, depth, quote = [""], 0, ""
    for each in text:
        if quote:
            quote = "" if each == quote else quote
        elif each in "'\"":
            quote = each
        elif each in "[{(":
            depth += 1
        elif each in "]})":
            depth -= 1
        elif each == "," and depth == 0:
            found.append("")
            continue
        found[-1] += each
    return [each.strip() for each in found]


def _steps(start: float, stop: float, step: float) -> list[Any]:
    """`start`, `start + step`, … below `stop`, in decimals."""
    low, high, by = (Fraction(str(each)) for each in (start, stop, step))
    count = -((low - high) // by) if by > 0 else 0
    if not 0 < count <= MAX_VALUES:
        raise ValueError(f"{count} values")
    values = [low + each * by for each in range(count)]
    whole = all(isinstance(each, int) for each in (start, stop, step))
    return [int(each) if whole else float(each) for each in values]


def _flat_names(given: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name.removesuffix(".type") for name in flattened(given) if name.endswith(".type")))
