"""W&B and TensorBoard: what a trial's run is called and holds, and that nothing of it can stop a trial."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from objectives.loggers import Loggers, TrialName, chart_name, parse_log_to
from objectives.outcome import Kind
from objectives.process.attempt import Attempt
from objectives.process.warm import WarmServer
from storage.errors import UsageError
from studies.definition.definition import Definition
from tests.support.attempts import assignment, gone, outcome, until_started
from tests.support.definitions import GOOD, load

OWN = """
import random

def own(config, trial):
    trial.report(1, train_loss=2.0, val_acc=0.25, tokens_seen=10)
    trial.report(2, train_loss=1.0)
    return {"val_loss": 1.5, "drawn": random.random()}

def breaks(config, trial):
    trial.report(1, train_loss=2.0)
    raise ValueError("odd")
"""
CONFIG = {"n_layer": 2, "nested": {"a": [1, 2]}}
Launch = Callable[..., Attempt]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    servers: list[WarmServer] = []
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "files").mkdir()

    def start(
        places: tuple[str, ...], function: str = "own", env: dict[str, str] | None = None, **more: Any
    ) -> Attempt:
        warm = WarmServer(f"{tmp_path}/own.py:{function}")
        servers.append(warm)
        settings = {"study": "lobo", "log_to": places, "run_dir": tmp_path / "files", "env": env or {}, **more}
        return warm.start(assignment(tmp_path, CONFIG, **settings))

    yield start
    for warm in servers:
        warm.close()


def trial_name(folder: Path, **more: Any) -> TrialName:
    return TrialName(
        **{"study": "lobo", "number": 3, "attempt": 1, "seed": 1, "config": CONFIG, "folder": folder, **more}
    )


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("train_loss", "train/loss"),
        ("val_pplx", "val/pplx"),
        ("train/loss", "train/loss"),
        ("seq_length", "sequence_length"),
        ("tokens_seen", "tokens_seen"),
        ("val_", "val_"),
        ("value", "value"),
    ],
)
def test_names_are_those_that_people_chart(name: str, chart: str) -> None:
    assert chart_name(name) == chart


def test_runs_of_one_setting_are_a_group_whatever_their_seed(tmp_path: Path) -> None:
    one = trial_name(tmp_path)
    assert one.group == trial_name(tmp_path, seed=2, number=4, config={**CONFIG, "seed": 9}).group
    assert one.group.startswith("lobo-") and one.group != trial_name(tmp_path, config={"n_layer": 3}).group
    assert one.id == trial_name(tmp_path, attempt=2).id != trial_name(tmp_path, number=4).id


def test_the_definition_names_the_places(tmp_path: Path) -> None:
    definition = load(tmp_path, GOOD + "log_to: [wandb, tensorboard]\n")
    assert definition.log_to == ("wandb", "tensorboard") and Definition.from_json(definition.to_json()) == definition
    assert "log_to" not in load(tmp_path).to_json()
    assert parse_log_to("wandb", "x") == ("wandb",)
    for wrong, words in (["wnadb"], "'wnadb'.*'wandb'"), ({"wandb": 1}, "not a list"), ([[1]], "allowed|mean"):
        with pytest.raises(UsageError, match=words):
            parse_log_to(wrong, "own.yaml: log_to")


def test_tensorboard_has_every_report_and_the_result(launch: Launch, tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="an optional extra")
    ended = outcome(launch(("tensorboard",)))
    assert ended.kind is Kind.COMPLETED and ended.metrics["val_loss"] == 1.5
    group = trial_name(tmp_path).group
    events = reader.EventAccumulator(str(tmp_path / "files" / "tensorboard" / group / "seed-1337"))
    events.Reload()
    told = {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    del told["drawn"]
    assert told == {
        "train/loss": [(1, 2.0), (2, 1.0)],
        "val/acc": [(1, 0.25)],
        "tokens_seen": [(1, 10.0)],
        "val/loss": [(2, 1.5)],
    }
    assert b'"n_layer": 2' in events.Tensors("config/text_summary")[0].tensor_proto.string_val[0]
    assert (tmp_path / "log").read_text() == ""


def test_a_trial_draws_the_same_numbers_with_and_without_loggers(launch: Launch) -> None:
    pytest.importorskip("tensorboard", reason="an optional extra")
    plain, logged = outcome(launch(())), outcome(launch(("tensorboard",)))
    assert plain.metrics == logged.metrics


def test_wandb_offline_keeps_a_run_below_the_trials_folder(launch: Launch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="an optional extra")
    ended = outcome(launch(("wandb",), env={"WANDB_MODE": "offline"}))
    assert ended.kind is Kind.COMPLETED and (tmp_path / "log").read_text() == ""
    told = offline_run(tmp_path / "files")
    assert told.group == trial_name(tmp_path).group and told.name == "lobo-0"
    assert told.config["n_layer"] == 2 and told.config["seed"] == 1337 and told.config["trial"] == 0
    assert told.rows == [
        {"train/loss": 2.0, "val/acc": 0.25, "tokens_seen": 10.0, "step": 1},
        {"train/loss": 1.0, "step": 2},
        {"val/loss": 1.5, "drawn": ended.metrics["drawn"], "step": 2},
    ]
    assert told.exit_code == 0


def test_a_trial_that_fails_is_a_failed_run(launch: Launch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="an optional extra")
    assert outcome(launch(("wandb",), "breaks", {"WANDB_MODE": "offline"})).kind is Kind.ERROR
    assert offline_run(tmp_path / "files").exit_code == 1


def test_without_a_login_the_run_is_kept_offline(launch: Launch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="an optional extra")
    nobody = {"HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc"), "WANDB_CONFIG_DIR": str(tmp_path)}
    assert outcome(launch(("wandb",), env=nobody)).kind is Kind.COMPLETED
    log = (tmp_path / "log").read_text()
    assert log.count("\n") == 1 and "log_to: wandb:" in log and "kept offline" in log, log
    assert len(offline_run(tmp_path / "files").rows) == 3


def test_a_dead_network_does_not_stop_a_trial(launch: Launch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="an optional extra")
    key = "0" * 40
    nowhere = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": key, "WANDB_INIT_TIMEOUT": "2"}
    attempt = launch(("wandb",), env=nowhere)
    until_started(attempt)
    ended = outcome(attempt)
    log = (tmp_path / "log").read_text()
    assert ended.kind is Kind.COMPLETED and key not in log, log
    assert log.count("\n") == 1 and "log_to: wandb:" in log and "kept offline" in log, log
    assert len(offline_run(tmp_path / "files").rows) == 3
    assert gone([attempt.pid])


def test_a_package_that_is_missing_is_one_line(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()  # not the package: a folder of runs, as it makes them itself
    (tmp_path / "own.py").write_text(
        "import sys\nfor name in ('wandb', 'tensorboard', 'tensorboardX'):\n    sys.modules[name] = None\n" + OWN
    )
    assert outcome(launch(("wandb", "tensorboard"))).kind is Kind.COMPLETED
    wandb, tensorboard = (tmp_path / "log").read_text().splitlines()
    assert "wandb is not installed (pip install -e '.[wandb]'); the trial goes on" in wandb
    assert "is not installed (pip install -e '.[tensorboard]')" in tensorboard


def test_a_place_that_fails_is_told_once_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __init__(self, trial: TrialName) -> None:
            self.calls = 0

        def log(self, step: int, metrics: Any) -> None:
            raise OSError("No space\nleft")

        def close(self, completed: bool) -> None:
            raise AssertionError("it was left out")

    monkeypatch.setattr("objectives.loggers.LOGGER_TYPES", {"tensorboard": Broken})
    loggers = Loggers(["tensorboard"], trial_name(tmp_path))
    for step in range(3):
        loggers.log(step, {"a": 1.0})
    loggers.close({"a": 1.0})
    assert capsys.readouterr().out == "log_to: tensorboard: OSError: No space left; the trial goes on\n"


class OfflineRun:
    """What W&B wrote of a run on disk."""

    def __init__(self, file: Path) -> None:
        from wandb.proto.wandb_internal_pb2 import Record

        self.rows: list[dict[str, Any]] = []
        self.exit_code: int | None = None
        for data in records(file.read_bytes()):
            record = Record()
            record.ParseFromString(data)
            match record.WhichOneof("record_type"):
                case "run":
                    self.group, self.name = record.run.run_group, record.run.display_name
                    self.config = {each.key: json.loads(each.value_json) for each in record.run.config.update}
                case "history":
                    row = {each.key or each.nested_key[0]: json.loads(each.value_json) for each in record.history.item}
                    self.rows.append({name: value for name, value in row.items() if not name.startswith("_")})
                case "exit":
                    self.exit_code = record.exit.exit_code


def records(data: bytes) -> Iterator[bytes]:
    """LevelDB's log format after a header of 7 bytes: blocks of 32 KiB, in them pieces of records, each with a checksum
    (4 bytes), its length (2) and whether it is whole (1), first (2), in between (3) or last (4)."""
    place, part = 7, b""
    while place + 7 <= len(data):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        part += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield part
            part = b""


def offline_run(folder: Path) -> OfflineRun:
    [file] = folder.glob("wandb/offline-run-*/run-*.wandb")
    return OfflineRun(file)
