"""Where a script's metrics seem to be: the lines that it prints and the files that it writes, read from its text.

`print(f"step {i} | val loss {loss:.4f}")` gives the metric `val_loss` with the pattern `\\| val loss\\s*([-+0-9.]+)`.
Nothing of this is certain: a definition made of it says so, and `init --try` shows what was found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from studies.scripts.source import Source

PRINTING = ("print", "echo", "secho", "info", "warning", "write")
PRINTED_TO = ("tqdm", "stdout", "stderr", "pbar")
"""Whose `write` prints; that of a file does not."""
FILE_NAME = re.compile(r"(?:.*/)?[\w.\-]+\.(jsonl|json|csv|tsv)")
FORMAT_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ 0#]*\d*(?:\.\d+)?([diufFgGeErsx%])")
FORMAT_BRACES = re.compile(r"\{[^{}]*\}")
WRITERS = ("dump", "dumps", "writerow", "writerows", "DictWriter", "DataFrame")
HOLE = "\0"
LABEL = re.compile(r"([A-Za-z][\w ./\-]*?)(\s*[\"']?\s*(?:[:=]|->|is)?\s*)$")
SEPARATORS = re.compile(r"[|,;:()\[\]{}\t\n]|\s-\s|\s\s+")
UNITS_AFTER = {r"[KMBGT]\b": "count", "%": "%", r"ms\b": "ms", r"(?:s|sec|secs|seconds)\b": "seconds"}
STEPS = ("step", "iter", "iteration", "epoch", "it")
MAX_METRICS = 8
MAX_NAME_CHARACTERS = 40
LESS = re.compile(r"loss|err|ppl|perplex|rmse|mae|mse|nll|bpb|bpc|time|latency|seconds|_ms|wer|cer|fid|divergence")
MORE = re.compile(
    r"acc|f1|auc|score|reward|bleu|rouge|return|r2|prob|precision|recall|iou|dice|top\d|per_sec|_s$|throughput|mfu|ap$"
)
HELD_OUT = re.compile(r"(?:^|[_/.])(?:val|valid|validation|eval|dev|test)")
COUNTS = re.compile(r"params|param_count|num_param|parameters")
NO_RESULTS = re.compile(r"config|args|hparams|param|vocab|meta|split|token")
WRITING_MODE = re.compile(r"[wax][bt+]*")


@dataclass(frozen=True)
class Printed:
    """A number in a line that the script prints."""

    name: str
    pattern: str
    unit: str
    where: str
    """FILE:LINE."""


@dataclass(frozen=True)
class Written:
    """A file that the script writes."""

    name: str
    kind: str
    """`json` or `csv`."""
    where: str


@dataclass(frozen=True)
class Hints:
    """What the script's text shows of its metrics."""

    printed: Sequence[Printed] = ()
    step: str | None = None
    """A pattern for the step in printed lines."""
    written: Sequence[Written] = ()
    keys: Sequence[str] = ()
    """Keys of the objects, and columns of the tables, that it writes."""
    json_printed: str = ""
    """FILE:LINE where it prints one of these objects as JSON; empty: nowhere."""


def hints(source: Source) -> Hints:
    """Read the hints of a script and of its own modules."""
    found: list[Printed] = []
    steps: dict[str, str] = {}
    json_printed = ""
    for file, node in source.nodes():
        if isinstance(node, ast.Call) and _prints(node):
            where = f"{file.name}:{node.lineno}"
            json_printed = json_printed or (where if _prints_json(node) else "")
            for each in _numbers(_template_of(node), where, _called(node) == "print"):
                if each.name.rpartition("_")[2] in STEPS:
                    steps.setdefault(where, each.pattern)
                else:
                    found.append(each)
    printed: dict[str, Printed] = {}
    for each in sorted(found, key=lambda each: each.where not in steps):  # a line of progress before a last summary
        printed.setdefault(each.name, each)
    kept = [each for each in printed.values() if not _is_ambiguous(each, list(printed))]
    best = score_of([each.name for each in kept])
    at = next((steps[each.where] for each in kept if each.name == best and each.where in steps), None)
    return Hints(kept[:MAX_METRICS], at, [*_saved(source), *_files(source)], _keys(source), json_printed)


def score_of(names: Sequence[str]) -> str | None:
    """The metric that a study would most likely be about: of held-out data before others, a loss before an accuracy."""
    known = [name for name in names if LESS.search(name.lower()) or MORE.search(name.lower())]
    ranked = sorted(known, key=lambda name: (not HELD_OUT.search(name.lower()), not re.search("loss", name.lower())))
    return next(iter(ranked), None)


def direction_of(name: str) -> str:
    return "maximize" if MORE.search(name.lower()) and not re.search("loss|err", name.lower()) else "minimize"


def cost_of(names: Sequence[str]) -> str | None:
    """The metric that counts parameters."""
    return next((name for name in names if COUNTS.search(name.lower())), None)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _prints(node: ast.Call) -> bool:
    name = _called(node)
    if name != "write":
        return name in PRINTING
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return isinstance(owner, ast.Name | ast.Attribute) and ast.unparse(owner).rpartition(".")[2] in PRINTED_TO


def _prints_json(node: ast.Call) -> bool:
    """Whether it prints nothing but `json.dumps(…)`."""
    given = node.args[0] if len(node.args) == 1 else None
    return _called(node) == "print" and isinstance(given, ast.Call) and _called(given) == "dumps"


def _template_of(node: ast.Call) -> str:
    """The line that a call prints, with a hole for each value; empty where it does not print a whole line."""
    arguments = [each for each in node.args if not isinstance(each, ast.Starred)]
    if any(each.arg == "end" for each in node.keywords) or not arguments:
        return ""
    first = arguments[0]
    if _called(node) != "print" and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return _holes(first.value, FORMAT_PERCENT)  # logging's way
    return " ".join(_template(each) for each in arguments)


def _template(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr(values=values):
            return "".join(_template(each) if isinstance(each, ast.Constant) else HOLE for each in values)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return _holes(text, FORMAT_PERCENT)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _template(left) + _template(right)
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text)))):
            return _holes(text, FORMAT_BRACES)
        case ast.Call(func=ast.Attribute(attr="dumps"), args=[ast.Dict() as given, *_]):
            return _object(given, '"')
        case ast.Dict():
            return _object(node, "'")
    return HOLE


def _object(node: ast.Dict, quote: str) -> str:
    """A dictionary as it is printed."""
    names = [each.value for each in node.keys if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return "{" + ", ".join(f"{quote}{name}{quote}: {HOLE}" for name in names) + "}"


def _holes(text: str, placeholders: re.Pattern[str]) -> str:
    return placeholders.sub(lambda found: "%" if found[0] == "%%" else HOLE, text)


def _numbers(text: str, where: str, is_print: bool) -> Iterator[Printed]:
    """The labelled numbers of a template."""
    parts = text.split(HOLE)
    for index, (before, after) in enumerate(pairwise(parts)):
        unit, found = _unit(after), LABEL.search(before)
        if unit is None or found is None:
            continue  # no label, or a word after it that makes it another kind of number
        divided = [each.end() for each in SEPARATORS.finditer(found[1])]
        label = found[1][divided[-1] if divided else 0 :].strip()
        name = re.sub(r"\W+", "_", label.lower()).strip("_")
        is_part = after.startswith("/") and name.rpartition("_")[2] not in STEPS  # `9000/10000` is one number
        if name and len(name) <= MAX_NAME_CHARACTERS and label[0].isalpha() and not is_part:
            start = before.rindex(label, 0, found.end(1))
            yield Printed(name, _pattern(before[:start], label, found[2], is_print and index == 0), unit, where)


def _unit(after: str) -> str | None:
    """The unit that follows a number, if any; None: another word does."""
    unit = next((unit for word, unit in UNITS_AFTER.items() if re.match(word, after)), "")
    return None if not unit and after[:1].isalpha() else unit


def _pattern(lead: str, label: str, between: str, from_start: bool) -> str:
    """A regular expression that finds the number after its label, and not that of a label which ends alike."""
    if from_start and not lead.strip():
        begin = r"^\s*" if lead else "^"
    elif lead.strip() and (mark := lead.rstrip()[-1]) in "|,;:([{\"'":
        begin = re.escape(mark) + " " * lead[-1].isspace()
    else:
        begin = r"\b"
    words = re.escape(f"{label}{between.strip()}").replace("\\ ", " ")
    return rf"{begin}{words}\s*([-+0-9.]+)"


def _is_ambiguous(one: Printed, names: Sequence[str]) -> bool:
    """Whether its pattern, which begins anywhere, would find another label's number: `loss` in `val loss`."""
    return one.pattern.startswith(r"\b") and any(name.endswith(f"_{one.name}") for name in names)


def _files(source: Source) -> Iterator[Written]:
    """Files of a known kind that are opened for writing, or whose names are made beside a folder."""
    seen: set[str] = set()
    reading = {id(each) for _, node in source.nodes() if _is_reading(node) for each in ast.walk(node)}
    for file, node in source.nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in reading:
            found = FILE_NAME.fullmatch(node.value.lstrip("/"))
            name = Path(node.value).name
            if found is not None and name not in seen and not NO_RESULTS.search(name):
                seen.add(name)
                yield Written(name, "json" if found[1].startswith("json") else "csv", f"{file.name}:{node.lineno}")


def _saved(source: Source) -> Iterator[Written]:
    """What transformers' Trainer writes at its end, if the script asks for it."""
    for file, node in source.nodes():
        if isinstance(node, ast.Call) and _called(node) == "save_metrics":
            yield Written("all_results.json", "json", f"{file.name}:{node.lineno}")
            return


def _is_reading(node: ast.AST) -> bool:
    """Whether a call only reads, or declares a flag."""
    if not isinstance(node, ast.Call):
        return False
    name = _called(node)
    if name == "open":
        given = [*node.args, *(each.value for each in node.keywords)]
        return not any(isinstance(each, ast.Constant) and WRITING_MODE.fullmatch(str(each.value)) for each in given)
    return name.startswith(("read", "load", "add_argument", "option", "DEFINE_", "hf_hub", "from_")) and name != "loads"


def _keys(source: Source) -> list[str]:
    """Keys of dictionaries that are written as JSON or as a table's rows, and the names of columns."""
    assigned: dict[str, list[ast.Dict]] = {}
    for _, node in source.nodes():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
    found: list[object] = []
    for _, node in source.nodes():
        if isinstance(node, ast.Call) and _called(node) == "save_metrics":
            found += [f"{each.value!s}_loss" for each in node.args[:1] if isinstance(each, ast.Constant)]
        if isinstance(node, ast.Call) and _called(node) in WRITERS:
            given = node.args[: 2 if _called(node) == "DictWriter" else 1]
            for each in (*given, *(other.value for other in node.keywords if other.arg == "fieldnames")):
                for one in assigned.get(each.id, []) if isinstance(each, ast.Name) else [each]:
                    names = one.keys if isinstance(one, ast.Dict) else one.elts if isinstance(one, ast.List) else []
                    found += [name.value for name in names if isinstance(name, ast.Constant)]
    return list(dict.fromkeys(name for name in found if isinstance(name, str)))
