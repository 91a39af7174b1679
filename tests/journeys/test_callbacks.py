"""Lightning and Hugging Face's Trainer report to a trial and stop when they are asked to: real trainers, on a CPU."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Attempt
from objectives.process.warm import WarmServer
from tests.support.attempts import assignment, until
from tests.support.cases import usual

Launch = Callable[[str, int], Attempt]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], WarmServer]]:
    """A server for `own` of a module, which imports its framework once."""
    servers: dict[str, WarmServer] = {}

    def of(name: str) -> WarmServer:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is an optional extra")
        if name not in servers:
            file = tmp_path_factory.mktemp(name) / "own.py"
            file.write_text(MODULES[name])
            servers[name] = WarmServer(f"{file}:own")
        return servers[name]

    yield of
    for each in servers.values():
        each.close()


@pytest.fixture
def launch(warm: Callable[[str], WarmServer], tmp_path: Path) -> Launch:
    """Train with a framework for at most so many steps."""
    return lambda name, steps: warm(name).start(assignment(tmp_path, {"steps": steps}))


LIGHTNING = """
import warnings
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset
from objectives.callbacks import lightning_callback

warnings.simplefilter("ignore")

class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        loss = ((self.layer(batch[0]) - 2 * batch[0]) ** 2).mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", ((self.layer(batch[0]) - 2 * batch[0]) ** 2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

def own(config, trial):
    data = DataLoader(TensorDataset(torch.linspace(-1, 1, 8)[:, None]), batch_size=4)
    trainer = Trainer(
        max_epochs=config["steps"] // 2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[lightning_callback(trial)],
    )
    trainer.fit(Line(), data, data)
    return {"steps": trainer.global_step, "loss": trainer.callback_metrics["val_loss"]}
"""

TRANSFORMERS = """
import torch
from transformers import Trainer, TrainingArguments
from objectives.callbacks import transformers_callback

class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, x, labels):
        out = self.layer(x)
        return {"loss": ((out - labels) ** 2).mean(), "logits": out}

def own(config, trial):
    data = [{"x": torch.tensor([i / 8]), "labels": torch.tensor([i / 4])} for i in range(8)]
    arguments = TrainingArguments(
        output_dir=str(trial.run_dir), max_steps=config["steps"], per_device_train_batch_size=4, logging_steps=1,
        eval_strategy="steps", eval_steps=2, save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True,
        dataloader_pin_memory=False,
    )
    callbacks = [transformers_callback(trial)]
    trainer = Trainer(Line(), arguments, train_dataset=data, eval_dataset=data, callbacks=callbacks)
    trainer.train()
    return {"steps": trainer.state.global_step, "loss": trainer.evaluate()["eval_loss"]}
"""
MODULES = {"lightning": LIGHTNING, "transformers": TRANSFORMERS}
FRAMEWORKS = pytest.mark.parametrize(
    ("name", "loss"), usual([("lightning", "val_loss"), ("transformers", "eval_loss")], count=1)
)


@FRAMEWORKS
def test_what_is_logged_is_reported_at_its_step(launch: Launch, name: str, loss: str) -> None:
    *reports, ended = until(launch(name, 4), Outcome)
    assert ended.kind is Kind.COMPLETED, ended
    assert ended.metrics["steps"] == 4
    seen = {each.step: each.metrics[loss] for each in reports if loss in each.metrics}
    assert sorted(seen) == [2, 4] and seen[4] == pytest.approx(ended.metrics["loss"])
    assert 0 not in {each.step for each in reports}, "a sanity check is no report"


@FRAMEWORKS
def test_a_trainer_stops_when_the_trial_should(launch: Launch, tmp_path: Path, name: str, loss: str) -> None:
    attempt = launch(name, 10_000_000)
    until(attempt, Report)
    attempt.request_stop()
    ended = until(attempt, Outcome)[-1]
    assert ended.kind is Kind.PRUNED, "what it returns early is no result"
    if name == "transformers":
        assert list(tmp_path.glob("checkpoint-*")), "asked to stop, it saves where it is"
