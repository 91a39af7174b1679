"""The program as its users run it: started, asked for JSON, waited for with a deadline."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg2

from storage.url import libpq_url
from tests.support.preloaded import preloaded

Program = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
GOOD = "    return {'score': config['a'] + config['b'] / 2, 'params': config['a'] + config['b']}\n"


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def answer(program: Program, *arguments: object) -> Any:
    ended = program(*arguments, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def states(program: Program, name: str) -> dict[str, int]:
    points: dict[str, int] = answer(program, "audit", "--study", name)["points"]
    return points


def path(program: Program, name: str) -> list[str]:
    return [step["chosen"]["param"] for step in answer(program, "show", "--study", name)["rounds"]]


def growth_of(folder: Path, body: str, more: str = "", grow: str = "increments: {a: 1, b: 1}, steps: 1") -> Path:
    """A definition over `a` and `b` with this body of the objective."""
    (folder / "own.py").write_text("import os, signal, sys, time\n" + body)
    file = folder / "own.yaml"
    file.write_text(
        "search: grow\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\ncost: params\n"
        f"{more}grow: {{{grow}}}\nconfig: {{a: 1, b: 1}}\n"
    )
    return file


def refused(ended: subprocess.CompletedProcess[str], *words: str) -> str:
    """The one line of a command that was refused."""
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert ended.stdout == "" and ended.stderr.count("\n") == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr, ended.stderr
    return ended.stderr


def administer(url: str, *statements: str) -> None:
    connection = psycopg2.connect(libpq_url(url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def call(environment: Mapping[str, str], *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run `python cli.py ARGUMENTS` to its end, in a process that has its imports already."""
    return preloaded().call([*map(str, arguments)], environment, timeout)


def with_storage(environment: Mapping[str, str], url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return call({**environment, "STUDYHALL_STORAGE": url}, *arguments)
