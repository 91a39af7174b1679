"""Sweeps of other programs as a grid or a tune: W&B's (wandb.py), SEML's, and those of Hydra's sweepers.

Lists of values are a grid; intervals from which values are drawn or chosen are a tune. What fits neither is named, and
left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from samplers.searches.nested import flattened
from storage.errors import UsageError
from studies.definition.yaml_text import read_scalar
from studies.importing.sweep import MAX_VALUES, NO_LIST, NO_RANGE, Sweep, steps_of
from studies.importing.sweep_file import SweepFile
from studies.importing.wandb import wandb_sweep

HYDRA_CALL = re.compile(r"(choice|range)\((.*)\)", re.DOTALL)
HYDRA_OTHER_CALL = re.compile(r"\w+\(")
HYDRA_RANGE = re.compile(r"(int\()?(tag\(\s*log\s*,\s*)?interval\(([^(),]+),([^(),]+)\)\)*")
"""`interval(0, 1)`, `tag(log, interval(1e-4, 1))`, `int(tag(log, interval(1, 64)))`, of Hydra's Optuna sweeper."""


def sweep_of(document: Mapping[str, Any], where: str) -> Sweep | None:
    """A YAML document as a sweep; None: it is none that is known.

    Raises:
        UsageError: Nothing is varied in it, or a part of it is not as its program writes it.
    """
    hydra = document.get("hydra")
    if isinstance(document.get("parameters"), Mapping):
        made = wandb_sweep(document, where)
    elif isinstance(document.get("seml"), Mapping):
        made = _seml(document, SweepFile("SEML", where))
    elif isinstance(hydra, Mapping):
        file = SweepFile("Hydra", where)
        sweeper = file.mapping(hydra.get("sweeper"), "hydra.sweeper")
        if sweeper.get("params") is None:
            return None
        made = _hydra(document, sweeper, file.mapping(sweeper["params"], "hydra.sweeper.params"))
    else:
        return None
    _check_names({**made.config, **made.axes}, where)
    if not made.axes:
        raise UsageError(
            f"varies nothing that a {made.search} could: {'; '.join(made.unfit) or 'it lists no values'}", where
        )
    return made


def _check_names(values: Mapping[str, Any], where: str) -> None:
    """Refuse a name below another one that has a value: `a.b` beside `a: 3`."""
    for name in values:
        parts = name.split(".")
        for above in (".".join(parts[:count]) for count in range(1, len(parts))):
            if above in values and not isinstance(values[above], Mapping):
                raise UsageError(f"{name}: lies below {above}, which is a value of its own", where)


def _seml(document: Mapping[str, Any], file: SweepFile) -> Sweep:
    about = document["seml"]
    made = Sweep("SEML", f"python {about.get('executable', 'train.py')} with {{flags}}", "hydra", metric="result")
    made.question = file.text(about.get("description") or about.get("name"), "seml.description")
    made.config |= flattened(file.mapping(document.get("fixed"), "fixed"))
    zips: dict[Any, list[str]] = {}
    for name, given in _seml_parameters(file, document.get("grid"), "grid."):
        values = _seml_values(given)
        if values is None:
            shown = ", ".join(f"{key}: {value}" for key, value in given.items())
            made.unfit.append(f"{name}: {{{shown}}}: is not one of choice, range, uniform and loguniform")
            continue
        made.add(name, values)
        if "zip_id" in given and name in made.axes:
            zips.setdefault(file.text(given["zip_id"], f"grid.{name}.zip_id"), []).append(name)
    made.zipped = [names for names in zips.values() if len(names) > 1]
    drawn = file.mapping(document.get("random"), "random")
    if drawn and not made.axes:
        made.search, made.sampler, made.settings = "tune", "random", drawn.get("samples")
    parameters = {key: drawn[key] for key in drawn if key not in ("samples", "seed")}
    for name, given in _seml_parameters(file, parameters, "random."):
        axis = _seml_axis(given)
        if made.search == "grid":
            made.unfit.append(f"random.{name}: is drawn by SEML: a grid lists its values")
        elif axis is None:
            made.unfit.append(f"random.{name}: {NO_RANGE}")
        else:
            made.axes[name] = axis
    for name, each in document.items():
        if name not in ("seml", "slurm", "fixed", "grid", "random"):
            shown = "a sub-configuration: `groups:` of a grid" if isinstance(each, Mapping) else "is not of a grid"
            made.unfit.append(f"{name}: {shown}")
    return made


def _seml_parameters(
    file: SweepFile, given: Any, block: str, before: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parameters of a `block` such as `grid.`, by their dotted names."""
    for name, each in file.mapping(given, f"{block}{before}"[:-1]).items():
        if isinstance(each, Mapping) and "type" not in each:
            yield from _seml_parameters(file, each, block, f"{before}{name}.")
        elif isinstance(each, Mapping) and each["type"] == "parameter_collection":
            params = file.mapping(each.get("params"), f"{block}{before}{name}.params")
            yield from _seml_parameters(file, params, block, f"{before}{name}.")
        else:
            yield f"{before}{name}", each if isinstance(each, Mapping) else {"type": "choice", "options": [each]}


def _seml_values(given: Mapping[str, Any]) -> list[Any] | None:
    """The values that SEML makes of a parameter; None: of another kind."""
    try:
        if given.get("num", 1) > MAX_VALUES:
            return None
        match given["type"]:
            case "choice" if isinstance(given["options"], list):
                return list(given["options"])
            case "range":  # numpy's arange
                return steps_of(given["min"], given["max"], given.get("step", 1))
            case "uniform":  # numpy's linspace
                low, high, count = given["min"], given["max"], given["num"]
                return [low + (high - low) * each / (count - 1) for each in range(count)]
            case "loguniform" if given["min"] > 0 and given["max"] > 0:
                low, high, count = given["min"], given["max"], given["num"]
                return [low * (high / low) ** (each / (count - 1)) for each in range(count)]
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        pass
    return None


def _seml_axis(given: Mapping[str, Any]) -> Any:
    """What SEML draws a parameter from, as an axis of a tune; None: of another kind."""
    try:
        match given["type"]:
            case "choice" if isinstance(given["options"], list):
                return list(given["options"])
            case "randint":  # numpy's, without its end
                return {"range": [given["min"], given["max"] - 1]}
            case "uniform":
                return {"float": [float(given["min"]), float(given["max"])]}
            case "loguniform":
                return {"log": [float(given["min"]), float(given["max"])]}
    except (KeyError, TypeError, ValueError):
        pass
    return None


def _hydra(document: Mapping[str, Any], sweeper: Mapping[str, Any], params: Mapping[str, Any]) -> Sweep:
    made = Sweep("Hydra", "python train.py {flags}", "hydra")
    if "n_trials" in sweeper or any(HYDRA_RANGE.fullmatch(str(given).strip()) for given in params.values()):
        made.search = "tune"
        made.settings = sweeper.get("n_trials")
        made.direction = str(sweeper.get("direction", "minimize"))
        if "random" in str(sweeper.get("sampler", "")).lower():
            made.sampler = "random"
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
        axis = _hydra_axis(str(given))
        if axis is not None and not name.startswith(("+", "~")):
            made.axes[name] = axis
            made.config.pop(name, None)
            continue
        values = _hydra_values(str(given)) if isinstance(given, str) else [given]
        if values is None or name.startswith(("+", "~")):
            made.unfit.append(f"{name}={given}: {NO_LIST if made.search == 'grid' else NO_RANGE}")
            continue
        if len(values) > 1:
            made.config.setdefault(name, values[0])
        made.add(name, values)
    return made


def _hydra_axis(text: str) -> dict[str, Any] | None:
    """An override with an interval, as an axis of a tune."""
    found = HYDRA_RANGE.fullmatch(text.strip())
    if found is None:
        return None
    ends = [read_scalar(each.strip()) for each in (found[3], found[4])]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in ends):
        return None
    if found[1]:
        return {"log" if found[2] else "range": [int(each) for each in ends]}
    return {"log" if found[2] else "float": [float(each) for each in ends]}


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
        return steps_of(start, stop, *(step or [1]))
    except (TypeError, ValueError, ZeroDivisionError):
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
