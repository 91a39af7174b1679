"""Numbers in lines as real trainers print them: each is read whole, or refused with the text as it stands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.numbers import UNITS
from objectives.command.readers import Patterns, without_escapes

PLAIN = r"loss ([0-9.]+)"
AFTER_ANYTHING = r"loss\D*?([0-9.]+)"

READ = [
    # nanoGPT, llm.c, modded-nanogpt, nanochat
    (r"val loss ([0-9.]+)", "step 2000: train loss 1.0493, val loss 1.4697", 1.4697),
    (r"time ([0-9.]+)ms", "iter 100: loss 3.2051, time 1234.56ms, mfu 12.34%", 1234.56),
    (r"mfu ([0-9.]+)", "iter 100: loss 3.2051, time 1234.56ms, mfu 12.34%", 12.34),
    (r"mfu ([-0-9.]+)%", "iter 0: loss 10.9, time 58023.11ms, mfu -100.00%", -100.0),
    (r"val_loss:([0-9.]+)", "step:1750/1750 val_loss:3.2791 train_time:590113ms step_avg:339.14ms", 3.2791),
    (r"train loss (\S+)", "step    5/100 | train loss 7.213401 | norm 1.41 | lr 3.0e-04 | (53.09 ms)", 7.213401),
    (r"lr (\d+)", "step    5/100 | train loss 7.213401 | norm 1.41 | lr 3.0e-04 | (53.09 ms)", 3.0e-4),
    (r"tokens: ([0-9.]+)", "total tokens: 1,234,567 | bpb: 0.8123", 1234567.0),
    # a number that is small, large, negative or grouped
    (r"val loss ([0-9.]+)", "val loss 5.1e-05", 5.1e-5),
    (r"val loss ([0-9.]+)", "val loss 5.1E+05, lr 1", 5.1e5),
    (r"val loss ([0-9.]+)", "val loss 12,345.6", 12345.6),
    (r"val loss ([0-9]+)", "val loss 0.75", 0.75),
    (AFTER_ANYTHING, "loss: -0.75", -0.75),
    (AFTER_ANYTHING, "loss=-1.5e-3;", -1.5e-3),
    (AFTER_ANYTHING, "loss:\t+0.75", 0.75),
    (AFTER_ANYTHING, "loss = −0.75", -0.75),
    (AFTER_ANYTHING, "loss: nan, lr: 0.1", math.nan),
    (r".*([0-9.]+)", "elbo -1234.5", -1234.5),
    (r"params: ([0-9]+)", "params: 124_439_808", 124439808.0),
    (r"params: ([0-9]+)", "params: 124'439'808.", 124439808.0),
    (r"params: ([0-9]+)", "params: 124\u202f439\u202f808", 124439808.0),
    (r"loss (\.[0-9]+)", "loss .25", 0.25),
    (r"loss ([0-9.]+)", "saved step-100 with loss 2.", 2.0),
    (r"step-(\d+)", "saved step-100 with loss 2.", 100.0),
    (r"checkpoint\D*(\d+)", "Saving model checkpoint to out/checkpoint-500", 500.0),
    # progress bars and colours: tqdm, rich, Keras, Lightning, Hugging Face, YOLO, fastai, Detectron, MMEngine
    (PLAIN, "\x1b[1mloss \x1b[32m0.5\x1b[0m", 0.5),
    (PLAIN, "loss 0.\x1b[31m25\x1b[0m", 0.25),
    (PLAIN, "\x1b]8;;file://x\x1b\\loss 1.5\x1b]8;;\x1b\\", 1.5),
    (PLAIN, "\x1b[2Kloss 0.5\x1b[10G7", 0.5),
    (r"loss=([0-9.]+)", " 37%|███▋      | 37/100 [00:12<00:20,  3.07it/s, loss=2.31, v_num=0]", 2.31),
    (r", +([0-9.]+)it/s", " 37%|███▋      | 37/100 [00:12<00:20,  3.07it/s, loss=2.31, v_num=0]", 3.07),
    (r"\| (\d+)/", " 37%|███▋      | 37/100 [00:12<00:20,  3.07it/s, loss=2.31, v_num=0]", 37.0),
    (r"val_loss: ([0-9.]+)", "10/10 ━━━━ 1s 34ms/step - accuracy: 0.9 - loss: 0.3 - val_loss: 2.9802e-08", 2.9802e-8),
    (r"([0-9.]+)ms/step", "10/10 ━━━━ 1s 34ms/step - accuracy: 0.9 - loss: 0.3 - val_loss: 2.9802e-08", 34.0),
    (r"eval_loss': ([0-9.]+)", "{'eval_loss': 1.234e-05, 'eval_runtime': 2.1, 'epoch': 3.0}", 1.234e-5),
    (r"'learning_rate': ([0-9.]+)", "{'loss': 2.1, 'grad_norm': 1.5, 'learning_rate': 5e-05, 'epoch': 0.5}", 5e-5),
    (r"total_loss: ([0-9.]+)", "[d2.utils.events]:  eta: 0:12:34  iter: 19  total_loss: 1.5e+01  lr: 4e-4", 15.0),
    (r"loss: ([0-9.]+)", "2024/01/05 12:00:01 - mmengine - INFO - Epoch(train)  [1][50/1000] loss: 0.6931", 0.6931),
    (r"Loss ([0-9.]+)", "Epoch: [3][ 10/391]\tTime  0.11\tLoss 6.9e-01(7.0e-01)\tAcc@1  78.12 ( 77.00)", 0.69),
    (r"Acc@1 +([0-9.]+)", "Epoch: [3][ 10/391]\tTime  0.11\tLoss 6.9e-01(7.0e-01)\tAcc@1  78.12 ( 77.00)", 78.12),
    (r"acc[: ]+([0-9.]+)", "Test set: Average loss: 0.0265, acc: 9912/10000 (99%)", 9912.0),
    (r"\(([0-9]+)%\)", "Test set: Average loss: 0.0265, acc: 9912/10000 (99%)", 99.0),
    (r"ppl ([0-9.]+)", "| epoch   1 |   200/ 2983 batches | ms/batch 9.53 | loss  7.63 | ppl 2,059.72", 2059.72),
    (r"valid loss ([0-9.]+)", "| end of epoch   1 | time: 30.5s | valid loss  5.1 |".replace("  5", " 5"), 5.1),
    (r"weights\.(\d+)-", "saved weights.03-0.75.hdf5", 3.0),
    (r"weights\.\d+-([0-9.]+)\.", "saved weights.03-0.75.hdf5", 0.75),
    (r"loss: tensor\(([0-9.]+)", "loss: tensor(2.5e-03, device='cuda:0', grad_fn=<NllLossBackward0>)", 2.5e-3),
    # a list whose comma the pattern itself spells, and lines of several numbers
    (r"^(\d+),", "12,345", 12.0),
    (r"^\d+,(\d+)", "12,345", 345.0),
    (r"^(\d+)", "1234,0.5,0.25", 1234.0),
    (r"loss ([0-9.]+)", "loss 0.5,0.25", 0.5),
    (r"loss ([0-9.]+)", "loss 0.5...", 0.5),
    (r"loss ([0-9.]+)", "loss 0.5±0.1", 0.5),
    (r"loss (\S+)", "loss 0.5, acc 0.25", 0.5),
    (r"loss (\S+)", "loss (0.5)", 0.5),
]  # fmt: skip

REFUSED = [
    (r"params: ([0-9.]+)", "number of params: 980K", "980K"),
    (r"parameters: ([0-9.]+)", "number of parameters: 10.65M", "10.65M"),
    (r"([0-9.]+) .*Total params", "12.3 M    Total params", "12.3 M"),
    (r"([0-9.]+[KM])", "params 980K", "980K"),
    (r"time ([0-9.]+)", "iter 100: loss 3.2, time 1234.56ms, mfu 12.34%", "1234.56ms"),
    (r"time ([0-9.]+).*", "iter 100: loss 3.2, time 1.5s", "1.5s"),
    (r"mem ([0-9.]+)", "mem 3.45GiB", "3.45GiB"),
    (PLAIN, "loss 0,75", "0,75"),
    (PLAIN, "loss 1.234,56", "1.234,56"),
    (PLAIN, "loss 12,34,567", "12,34,567"),
    (PLAIN, "loss 1,2,3", "1,2,3"),
    (PLAIN, "loss 1.2.3", "1.2.3"),
    (PLAIN, "loss 5.1e", "5.1e"),
    (PLAIN, "loss 0x1F", "0x1F"),
    (PLAIN, "loss 1.5×10^-3", "1.5×10^-3"),
    (r"loss (\S+)", "loss --0.5", "--0.5"),
    (AFTER_ANYTHING, "loss float64(0.5)", "float64(0.5"),
    (r"loss (.*)", "loss 0.5 acc 0.25", "0.5 acc 0.25"),
    (r"took (\d+)", "took 12:34 in all", "12:34"),
    (r"took (\d+)", "took 3万 steps", "3万"),
    (r"took (\d+)", "took 3d", "3d"),
]

IN_UNITS = [
    ("count", "number of params: 980K", 980_000.0),
    ("count", "number of params: 10.65M", 10_650_000.0),
    ("count", "number of params: 1.1B", 1_100_000_000.0),
    ("count", "number of params: 0.1G", 100_000_000.0),
    ("count", "number of params: 12.3 M    Total", 12_300_000.0),
    ("count", "number of params: 1,234,567", 1_234_567.0),
    ("count", "number of params: 124m", 124_000_000.0),
    ("count", "number of params: 12 in all", 12.0),
    ("fraction", "params: 97.5%", 0.975),
    ("fraction", "params: 0.975", 0.975),
    ("%", "params: 97.5 %", 97.5),
    ("seconds", "params: 980ms", 0.98),
    ("seconds", "params: 1.5s", 1.5),
    ("seconds", "params: 34ms/step", 0.034),
    ("seconds", "params: 1m 30s", 90.0),
    ("seconds", "params: 1h2m3s", 3723.0),
    ("seconds", "params: 0:12:34", 754.0),
    ("seconds", "params: 1s 34ms/step", 1.0),
    ("ms", "params: 1.5s", 1500.0),
    ("ms", "params: 250us", 0.25),
    ("bytes", "params: 1.5 GB", 1.5e9),
    ("bytes", "params: 512MiB", 512.0 * 2**20),
    ("bytes", "params: 3.45G", 3.45e9),
    ("MiB", "params: 1.5GiB", 1536.0),
    ("GB", "params: 1500 MB,", 1.5),
    # units in words, and in other letters
    ("count", "params: 124 million", 124_000_000.0),
    ("count", "params: 1.5 Billion weights", 1_500_000_000.0),
    ("fraction", "params: 45 percent", 0.45),
    ("%", "params: 45 Percent", 45.0),
    ("MiB", "params: 5 gigabytes", 5e9 / 2**20),
    ("MiB", "params: 5 gibibytes", 5120.0),
    ("MiB", "params: 5 kb", 5e3 / 2**20),
    ("MiB", "params: 512 bytes", 512 / 2**20),
    ("MiB", "params: 5\u00a0GiB", 5120.0),
    ("seconds", "params: 3 msec", 0.003),
    ("seconds", "params: 3 Hours", 10_800.0),
    # durations of several parts, and clocks with days
    ("seconds", "params: 2 hours, 3 minutes", 7380.0),
    ("seconds", "params: 1 hour and 3 minutes", 3780.0),
    ("seconds", "params: 1 week, 2 days, and 3 hours", 788_400.0),
    ("seconds", "params: 1 day, 2:03:04", 93_784.0),
    ("seconds", "params: 2 days, 2:03:04.500000, loss 1", 180_184.5),
    ("seconds", "params: 0 days 00:01:02", 62.0),
    ("seconds", "params: -1 days +23:59:59", -1.0),
    ("h", "params: 1-02:30:00", 26.5),
    # what follows belongs to something else
    ("seconds", "params: 3 s, 5 steps", 3.0),
    ("seconds", "params: 1.5 s, 300 ms", 1.5),
    ("seconds", "params: 2 hours, 3 ms/step", 7200.0),
    ("seconds", "params: 3 after 3 steps", 3.0),
    ("fraction", "params: 0.5 min: 0.25 max: 0.75", 0.5),
    ("count", "params: 12 Models, 3 GPUs", 12.0),
    ("count", "params: 12 Total", 12.0),
]


@pytest.mark.parametrize(("pattern", "line", "value"), READ)
def test_a_number_is_read_whole(pattern: str, line: str, value: float) -> None:
    row = Patterns({"a": pattern}, None).row(line)
    assert row is not None and not row.refused and repr(row.metrics["a"]) == repr(value)


@pytest.mark.parametrize(("pattern", "line", "text"), REFUSED)
def test_what_is_not_a_number_is_refused_with_its_text(pattern: str, line: str, text: str) -> None:
    row = Patterns({"a": pattern}, None).row(line)
    assert row is not None and not row.metrics and text in row.refused["a"]


@pytest.mark.parametrize(("unit", "line", "value"), IN_UNITS)
def test_a_unit_is_read_where_it_is_asked_for(unit: str, line: str, value: float) -> None:
    row = Patterns({"a": r"params: ([-0-9.]+)"}, None, {"a": unit}).row(line)
    assert row is not None and not row.refused and row.metrics["a"] == value


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        *(("count", "980ms"), ("count", "97%"), ("seconds", "5K"), ("bytes", "3s"), ("seconds", "1m30x")),
        *(("count", "124 Mparams"), ("count", "5 gigabytes"), ("count", "97 %"), ("count", "3 Minutes")),
        *(("fraction", "3 s"), ("bytes", "5 Gb"), ("bytes", "5 Mbit"), ("bytes", "3 million"), ("seconds", "3 M")),
        *(("seconds", "1:02:03:04"), ("seconds", "1-02:03"), ("seconds", "-0:12:34")),
    ],
)
def test_another_kind_of_unit_is_refused(unit: str, text: str) -> None:
    row = Patterns({"a": r"x ([-0-9.]+)"}, None, {"a": unit}).row(f"x {text}")
    assert row is not None and not row.metrics and text in row.refused["a"]


def test_a_refused_number_names_the_unit_that_reads_it() -> None:
    for text, unit in (("980K", "count"), ("1.5s", "seconds"), ("3.45GiB", "bytes")):
        row = Patterns({"a": r"x ([0-9.]+)"}, None).row(f"x {text}")
        assert row is not None and f"unit: {unit}" in row.refused["a"] and unit in UNITS


def test_a_number_at_the_cut_of_a_long_line_is_not_taken_for_whole() -> None:
    row = Patterns({"a": r"loss ([0-9.]+)"}, None).row("x" * 4085 + " loss 1.234")
    assert row is not None and not row.metrics and "1.234" in row.refused["a"]


@given(st.floats(allow_nan=False), st.sampled_from(["{}", "{};", "({})", "[{}]", "{} next", "{}\x1b[0m", "{}%"]))
def test_whatever_digit_a_pattern_finds_the_number_is_the_same(value: float, shape: str) -> None:
    line = "loss=" + shape.format(repr(value))
    for pattern in (r"loss=([0-9.]+)", r"loss=.*?([0-9])", r"loss=(\S)"):
        row = Patterns({"a": pattern}, None).row(line)
        assert row is None or repr(row.metrics.get("a")) == repr(value), pattern


@given(st.text(), st.text())
def test_a_line_without_escape_sequences_stays_as_it_is(one: str, two: str) -> None:
    plain = (one + two).replace("\x1b", "").replace("\x9b", "")
    assert without_escapes(plain) == plain
    assert without_escapes(f"\x1b[1;31m{plain}\x1b[0m\x1b[K") == plain
