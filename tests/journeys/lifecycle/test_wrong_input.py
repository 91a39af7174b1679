"""What users get wrong: one clear line, exit code 2, nothing written, no traceback."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from storage.session import Session
from tests.support.growth_trace import write_definition
from tests.support.program import Program, administer, refused, with_storage


@pytest.fixture
def nothing_written(url: str, environment: dict[str, str]) -> Iterator[None]:
    """There is no study before the test and none after it."""
    yield
    session = Session(url)
    counts = session.execute("SELECT (SELECT count(*) FROM studies) AS a, (SELECT count(*) FROM trials) AS b")[0]
    session.close()
    assert (counts.a, counts.b) == (0, 0)
    assert not Path(environment["STUDYHALL_HOME"], "runs").exists()


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cost: params", "costs: params", ["unknown key 'costs'", "'cost'"]),
        ("n_head: 1, n_cproj", "n_haed: 1, n_cproj", ["no parameter 'n_haed'", "n_head"]),
        ("n_head: 1, n_cproj", "n_head: 0, n_cproj", ["n_head", "above zero"]),
        ("n_head: 1, n_cproj", "n_head: -1, n_cproj", ["n_head", "above zero"]),
        ("n_head: 1, n_cproj", "n_head: no, n_cproj", ["n_head", "'no'"]),
        ("  n_head: 1\n", "  n_head: no\n", ["n_head", "'no'", "not a number that can grow"]),
        ("  n_head: 1\n", "  n_head: .inf\n", ["finite"]),
        ("landscape.py:landscape", "landscape.py:landscap", ["no function 'landscap'", "landscape"]),
        ("landscape.py:landscape", "landscpe.py:landscape", ["no file"]),
        ("landscape.py:landscape", "gtp", ["no objective 'gtp'", "gpt"]),
        ("landscape.py:landscape", "os:system:x", ["objective"]),
        ("search: grow", "search: grwo", ["no search 'grwo'", "grow"]),
    ],
)
def test_a_wrong_definition(program: Program, tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    file = write_definition(tmp_path)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    for more in ([], ["--dry-run"]):
        refused(program("run", "grow", "--study", "own", "--file", file, *more), *words)


@pytest.mark.usefixtures("nothing_written")
def test_numbers_and_words_in_a_definition_are_what_they_look_like(program: Program, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def validate(config):\n    return repr(config['rate']) + repr(config['flag'])\n"
        "def own(config):\n    return 1.0\n"
    )
    (tmp_path / "own.yaml").write_text(
        "search: grow\nobjective: own.py:own\nscore: {metric: value, direction: maximize}\ncost: value\n"
        "grow: {increments: {a: 1}}\nconfig: {a: 1, rate: 1e-4, flag: no}\n"
    )
    refused(program("run", "grow", "--study", "own", "--file", tmp_path / "own.yaml"), "0.0001'no'")


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--study", "../x"], ["'/'"]),
        (["--study", "a b"], ["' '"]),
        (["--study", "x" * 300], ["300 characters"]),
        (["--study", "nowhere"], ["no study 'nowhere'", "no definition"]),
        (["--study", "lobbo"], ["'lobo'"]),
        ([], ["--study"]),
        (["--study", "own", "--workers", "0"], ["--workers: 0"]),
        (["--study", "own", "--workers", "many"], ["--workers", "many"]),
        (["--study", "own", "--threads", "-1"], ["--threads: -1"]),
        (["--study", "own", "--steps", "0"], ["--steps: 0 is less than 1"]),
        (["--study", "own", "--max-trials", str(2**31)], ["--max-trials: 2147483648 is more than 2,147,483,647"]),
        (["--study", "own", "--timeout", "soon"], ["--timeout", "'soon'"]),
        (["--study", "own", "--set", "n_head"], ["KEY=VALUE"]),
        (["--study", "own", "--set", "n_haed=2"], ["n_haed", "n_head"]),
        (["--study", "own", "--steps", "1", "--no-such"], ["--no-such"]),
    ],
)
def test_a_wrong_order(program: Program, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    file = ["--file", write_definition(tmp_path)] if "own" in arguments else []
    refused(program("run", "grow", *arguments, *file), *words)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 'too\\nwide:\\n\\n\\t7\\0'", ["config: too wide: 7\n"]),
        ("return '\\ud800'", ["config: ?"]),
        ("return ''", ["config: its objective does not say why"]),
        ("return 'config: x'", [": config: x\n"]),
        ("return False", ["own.py:own: validate returned False; None is needed, or a text"]),
        ("return config", ["own.py:own: validate returned {'a': 1};", "None is needed"]),
        ("raise ValueError('a\\nb')", ["own.py:own: validate: ValueError: a b"]),
        ("return config['nothing']", ["own.py:own: validate: KeyError: 'nothing'"]),
        ("raise SystemExit(3)", ["own.py:own: validate: SystemExit: 3"]),
    ],
)
def test_whatever_an_objectives_validate_does_is_one_line(
    program: Program, tmp_path: Path, body: str, words: list[str]
) -> None:
    (tmp_path / "own.py").write_text(f"def validate(config):\n    {body}\ndef own(config):\n    return 1.0\n")
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: value, direction: maximize}\n"
        "grid: {axes: {a: [1, 2]}}\nconfig: {a: 1}\n"
    )
    for more in ([], ["--dry-run"]):
        line = refused(program("run", "grid", "--study", "own", "--file", file, *more), *words)
        assert "config: config:" not in line


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("character", ["\\ud800", "\\0"])
def test_a_character_that_cannot_be_kept_is_refused_wherever_it_stands(
    program: Program, tmp_path: Path, character: str
) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return 1.0\n")
    file, order = tmp_path / "own.yaml", ["run", "grid", "--study", "own", "--file", tmp_path / "own.yaml"]

    def write(axis: str = "[1]", derived: str = "") -> None:
        file.write_text(
            "search: grid\nobjective: own.py:own\nscore: {metric: value, direction: maximize}\n"
            f"grid: {{axes: {{a: {axis}}}, derive: {{{derived}}}}}\nconfig: {{a: 1, b: 2}}\n"
        )

    for more in ([], ["--dry-run"]):
        for axis in (f'["{character}"]', f'[1, [2, "x{character}"]]', f'[{{"{character}": 1}}]'):
            write(axis)
            refused(program(*order, *more), "own.yaml:4", "cannot be kept")
        write(derived=f"b: \"'\\{character}'\"")
        refused(program(*order, *more), "grid.derive.b", "cannot be kept")
        write()
        for setting in (f'a="{character}"', f'grid.axes.a=["{character}"]', f'+c={{x: "{character}"}}'):
            refused(program(*order, *more, "--set", setting), "--set", "cannot be kept")
        refused(program(*order, *more, "--set", "+c\udcff=1"), "--set", "cannot be kept")


@pytest.mark.usefixtures("nothing_written")
def test_a_search_that_there_is_none_of(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    refused(program("run", "grwo", "--study", "own", "--file", file), "grwo", "grow")
    refused(program("run", "grwo", "--study", "own"), "grwo", "grow")
    refused(program("rnu", "grow", "--study", "own"), "rnu")


@pytest.mark.usefixtures("nothing_written")
def test_a_yaml_bomb(program: Program, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    refused(program("run", "grow", "--study", "bomb", "--file", tmp_path / "bomb.yaml", timeout=20), "20,000 values")


@pytest.mark.usefixtures("nothing_written")
def test_a_metric_that_the_objective_does_not_return(program: Program, tmp_path: Path) -> None:
    text = (
        "search: grow\nobjective: difficulty\nscore: {metric: entropy, direction: maximize}\ncost: difficulty\n"
        "grow: {increments: {batch: 1, length: 16}, steps: 1}\nconfig: {batch: 1, length: 64}\n"
    )
    file = tmp_path / "own.yaml"
    for old, new, words in (
        ("cost: difficulty", "cost: vram", ["vram"]),
        ("cost: difficulty", "cost: dificulty", ["'dificulty'", "did you mean 'difficulty'"]),
        ("metric: entropy", "metric: entrophy", ["'entrophy'", "entropy"]),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        refused(program("run", "grow", "--study", "own", "--file", file), *words)


@pytest.mark.usefixtures("nothing_written")
def test_a_config_that_gpt_refuses(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    text = (CHECKOUT / "studies" / "lobo.yaml").read_text()
    assert "dataset: stdlib" in text
    file.write_text(text.replace("dataset: stdlib", "dataset: nowhere"))
    refused(program("run", "grow", "--study", "own", "--file", file), "nowhere")


def test_verbs_on_a_study_that_is_not_there_name_the_nearest(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    for verb in ("show", "audit", "replay", "export --as csv", "retry --failed", "stop", "delete --yes", "status"):
        refused(program(*verb.split(), "--study", "trac"), "no study 'trac'", "'trace'")
    refused(program("export", "--study", "trace", "--as", "cvs"), "'cvs'", "csv")
    refused(program("export", "--study", "trace", "--as", "csv", "--out", tmp_path / "no" / "x.csv"), "x.csv")
    refused(program("show", "--study", "trace", "--trial", 999), "999")
    refused(program("show", "--study", "trace", "--log"), "--trial")
    refused(program("retry", "--study", "trace"), "--trial N or --failed")
    refused(program("retry", "--study", "trace", "--trial", 0), "--trial: 0 is not a failed trial")
    refused(program("replay", "--study", "trace", "--cost", "prams"), "'prams'", "params")
    refused(program("replay", "--study", "trace", "--seeds", 2), "--seeds: 2 seeds; 1 to 1 can be looked at")
    assert json.loads(program("audit", "--study", "trace", "--json").stdout)["holds"]


# Storages


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:geheim@127.0.0.1:port/db", ["port"]),
        ("mysql://me:geheim@127.0.0.1/db", ["mysql"]),
        ("sqlite:///x.db", ["sqlite"]),
        ("geheim", ["PostgreSQL URL"]),
    ],
)
def test_a_storage_that_cannot_be_had(environment: dict[str, str], tmp_path: Path, url: str, words: list[str]) -> None:
    file = write_definition(tmp_path)
    for arguments in (["status"], ["run", "grow", "--study", "own", "--file", file], ["storage", "check"]):
        line = refused(with_storage(environment, url, *arguments), *words)
        assert "geheim" not in line


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:geheim@127.0.0.1:1/db", "refused"),
        ("postgresql://me:geheim@no.such.host.invalid/db", "no.such.host.invalid"),
    ],
)
def test_a_storage_that_is_not_there_has_an_exit_code_of_its_own(
    environment: dict[str, str], tmp_path: Path, url: str, words: str
) -> None:
    for arguments in (["status"], ["run", "grow", "--study", "own", "--file", write_definition(tmp_path)]):
        told = with_storage(environment, url, *arguments)
        lines = told.stderr.splitlines()
        assert told.returncode == 3 and told.stdout == "" and words in lines[-1] and "geheim" not in told.stderr
        assert len(lines) == 1 + (words == "refused" and arguments[0] == "run"), "one line, after that it waits"


@pytest.fixture
def guarded(url: str) -> Iterator[tuple[str, str]]:
    """A role that may read everything and write nothing, and its URL."""
    role = f"reader_{os.getpid()}"
    administer(
        url,
        f"CREATE ROLE {role} LOGIN PASSWORD 'richtig'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        f"ALTER ROLE {role} SET default_transaction_read_only = on",
    )
    yield role, url.replace("://studyhall@", f"://{role}:geheim@")
    administer(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_database_that_can_only_be_read(
    environment: dict[str, str], program: Program, guarded: tuple[str, str], tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    _, readable = guarded
    refused(with_storage(environment, readable, "run", "grow", "--study", "other", "--file", file), "read")
    refused(with_storage(environment, readable, "delete", "--study", "trace", "--yes"), "read")
    for verb in ("status", "show --study trace", "audit --study trace", "replay --study trace"):
        told = with_storage(environment, readable, *verb.split())
        assert told.returncode == 0 and "geheim" not in told.stdout + told.stderr, told.stderr


def test_a_wrong_password_is_not_shown(
    environment: dict[str, str], url: str, guarded: tuple[str, str], server_home: Path
) -> None:
    """The server is told to ask this role for its password, ahead of the line that trusts everybody."""
    role, wrong = guarded
    rules = server_home / "pgdata" / "studyhall_hba.conf"
    before = rules.read_text()
    try:
        rules.write_text(f"local all {role} scram-sha-256\n{before}")
        administer(url, "SELECT pg_reload_conf()")
        right = wrong.replace("geheim", "richtig")
        end = time.monotonic() + 10
        while with_storage(environment, wrong, "status").returncode == 0:
            assert time.monotonic() < end
        line = refused(with_storage(environment, wrong, "status"), "password authentication failed", "***")
        assert "geheim" not in line
        assert with_storage(environment, right, "status").returncode == 0
        told = with_storage(environment, right, "storage", "url")
        assert told.returncode == 0 and "richtig" not in told.stdout
        administer(url, f"ALTER ROLE {role} VALID UNTIL '2000-01-01'")
        line = refused(with_storage(environment, right, "status"), "password authentication failed", "expired")
        assert "richtig" not in line
    finally:
        rules.write_text(before)
        administer(url, "SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE alembic_version SET version_num = 'v9.9.9'", ["v9.9.9", "v3.2.0.a"]),
        ("UPDATE studyhall_version SET version = 99", ["99", "newer"]),
    ],
)
def test_tables_of_another_version(program: Program, url: str, tmp_path: Path, change: str, words: list[str]) -> None:
    administer(url, change)
    file = write_definition(tmp_path)
    refused(program("run", "grow", "--study", "own", "--file", file), *words)
    refused(program("storage", "check"), *words[:1])
