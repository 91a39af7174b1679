"""W&B's sweeps: a grid of lists stays a grid; `random` and `bayes` become a tune with the same ranges."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from storage.errors import UsageError
from studies.definition.pruner import PRUNERS
from studies.importing.sweep import NO_LIST, NO_RANGE, Sweep
from studies.importing.sweep_file import SweepFile

ARGUMENTS = {"${args}": "python", "${args_no_boolean_flags}": "omit", "${args_no_hyphens}": "hydra"}
"""How W&B writes a run's arguments, and `flags:` that writes them so."""
SAMPLERS = {"bayes": "tpe", "random": "random"}
NOT_PLAIN = re.compile(r"[\s'\"\\]")
"""What splits a word of a command, or is taken out of it."""
COMMAND = ["python", "${program}", "${args}"]
"""Of a sweep that names none."""
MAX_EXPONENT = 700
"""Of e, in a float."""
HYPERBAND = {"min_iter": "min_resource", "max_iter": "max_resource", "eta": "reduction_factor"}
"""W&B's names, and Optuna's."""


def wandb_sweep(document: Mapping[str, Any], where: str) -> Sweep:
    """The sweep of a file with `parameters:`.

    Raises:
        UsageError: A part of it is not as W&B writes it.
    """
    file = SweepFile("W&B", where)
    words = _words(document.get("command") or COMMAND, file)
    flags = next((ARGUMENTS[each] for each in words if each in ARGUMENTS), "python")
    known = {"${env}": "", "${interpreter}": "python", "${program}": _quoted(str(document.get("program", "train.py")))}
    known |= dict.fromkeys(ARGUMENTS, "{flags}") | {"${args_json}": "{config_json}"}
    command = " ".join(filter(None, (known.get(each, _quoted(each)) for each in words if each != "/usr/bin/env")))
    metric = file.mapping(document.get("metric"), "metric")
    made = Sweep("W&B", command, flags, direction=str(metric.get("goal", "minimize")))
    made.metric = file.text(metric.get("name"), "metric.name")
    made.question = file.text(document.get("description") or document.get("name"), "description")
    method = file.text(document.get("method"), "method")
    parameters = list(_parameters(document["parameters"], ""))
    if method in SAMPLERS or (
        method != "grid" and not all({"value", "values"} & each.keys() for _, each in parameters)
    ):
        made.search, made.sampler = "tune", SAMPLERS.get(str(method), "tpe")
    if method not in (*SAMPLERS, "grid"):
        made.unfit.append(f"method: {method}: is not one of grid, random and bayes; this is a {made.search}")
    _add_budget(made, document)
    for name, given in parameters:
        _add_parameter(made, file, name, given)
    return made


def _words(command: Any, file: SweepFile) -> list[str]:
    """A command as its words: a list, or a text, which is split as a shell would."""
    if not isinstance(command, str):
        return [str(each) for each in file.values(command, "command")]
    try:
        return shlex.split(command)
    except ValueError as error:
        what = f"command: {str(error)[:1].lower()}{str(error)[1:]} in {command!r}"
        raise UsageError(what, file.where) from error


def _quoted(word: str) -> str:
    """A word of a command that stays one when the command is split."""
    return shlex.quote(word) if NOT_PLAIN.search(word) else word


def _add_budget(made: Sweep, document: Mapping[str, Any]) -> None:
    """`run_cap` and `early_terminate`."""
    cap = document.get("run_cap")
    if isinstance(cap, int) and made.search == "tune":
        made.settings = cap
    elif cap is not None:
        made.unfit.append(
            f"run_cap: {cap}: a grid trains all of its settings; `run NAME --max-trials {cap}` ends earlier"
        )
    stops = document.get("early_terminate")
    if isinstance(stops, Mapping) and stops.get("type") == "hyperband":
        made.pruner = {"name": "hyperband", **{ours: stops[key] for key, ours in HYPERBAND.items() if key in stops}}
    elif stops is not None:
        made.unfit.append(f"early_terminate: {stops}: `pruner:` knows {', '.join(PRUNERS)}")


def _add_parameter(made: Sweep, file: SweepFile, name: str, given: Mapping[str, Any]) -> None:
    if "values" in given:
        made.add(name, file.values(given["values"], f"parameters.{name}.values"))
        if "probabilities" in given:
            made.unfit.append(f"{name}: probabilities: its values are drawn alike")
    elif "value" in given:
        made.config[name] = given["value"]
    else:
        shown = ", ".join(f"{key}: {value}" for key, value in given.items())
        axis = _axis(given) if made.search == "tune" else None
        if axis is not None:
            made.axes[name] = axis
        elif made.search == "tune":
            made.unfit.append(f"{name}: {{{shown}}}: {NO_RANGE}")
        else:
            made.unfit.append(f"{name}: {{{shown}}}: {NO_LIST}")


def _axis(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """A distribution as an axis of a tune; None: a tune has none like it."""
    low, high, step = given.get("min"), given.get("max"), given.get("q", 1)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (low, high, step)):
        return None
    assert low is not None and high is not None
    whole = isinstance(low, int) and isinstance(high, int)
    match given.get("distribution", "int_uniform" if whole else "uniform"):
        case "int_uniform" if whole:
            return {"range": [low, high]}
        case "uniform":
            return {"float": [float(low), float(high)]}
        case "q_uniform" if step > 0:
            last = low + (high - low) // step * step
            if whole and isinstance(step, int):
                return {"range": [low, last, step]}
            return {"float": [float(low), float(f"{last:.12g}"), float(step)]}
        case "log_uniform_values" | "inv_log_uniform_values":
            return {"log": [float(low), float(high)]}
        case "q_log_uniform_values":
            return {"log": [low, high]}
        case "log_uniform" | "q_log_uniform" if max(low, high) < MAX_EXPONENT:  # exponents of e
            return {"log": [float(f"{math.exp(each):.6g}") for each in (low, high)]}
    return None


def _parameters(given: Mapping[str, Any], before: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in given.items():
        if isinstance(each, Mapping) and isinstance(each.get("parameters"), Mapping):
            yield from _parameters(each["parameters"], f"{before}{name}.")
        else:
            yield f"{before}{name}", each if isinstance(each, Mapping) else {"value": each}
