"""The data of the objective gpt, and what makes a configuration or a dataset impossible."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from objectives import gpt
from objectives.datasets.prepare import Preparation, prepare
from objectives.gpt.config import GptConfig
from objectives.gpt.data import count_val_batches, open_data, train_batch, val_batch
from storage.errors import UsageError
from storage.home import CHECKOUT
from tests.support.gpt import BASELINE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write_dataset(
    folder: Path, train: Any = range(1000), val: Any = range(300), vocab_size: int | None = 1000, dtype: str = "uint16"
) -> dict[str, Any]:
    """A dataset of these tokens, and a config that uses it."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, tokens in (("train", train), ("val", val)):
        (folder / f"{name}.bin").write_bytes(np.array(list(tokens), dtype=dtype).tobytes())
    if vocab_size is not None:
        meta = {"vocab_size": vocab_size} | ({} if dtype == "uint16" else {"dtype": dtype})
        (folder / "meta.json").write_text(json.dumps(meta))
    return {"dataset": str(folder), "batch_size": 4, "block_size": 16}


# stdlib


def test_stdlib_is_the_standard_library_s_own_text_split_by_file():
    data = open_data(GptConfig())
    train, val = (bytes(tokens.astype(np.uint8)) for tokens in (data.train, data.val))
    sources = Path(os.__file__).parent
    for name in ("argparse.py", "json/decoder.py", "subprocess.py", "asyncio/tasks.py"):
        text = (sources / name).read_bytes()
        assert (text in train) + (text in val) == 1
    assert b"site-packages/torch" not in train
    assert (sources / "test/test_argparse.py").exists() is False or (
        (sources / "test/test_argparse.py").read_bytes() not in train + val
    )
    assert 0.05 < len(val) / (len(train) + len(val)) < 0.15
    assert len(train) > 2_000_000
    assert data.vocab_size == 256


def test_stdlib_s_sizes_are_known_without_reading_it(home):
    assert gpt.validate(BASELINE) is None
    too_long = gpt.validate({**BASELINE, "block_size": 10**8})
    assert not home.exists()
    data = open_data(GptConfig())
    assert f"train has {len(data.train)} tokens; block_size 100000000 needs 100000001" in str(too_long)


def test_stdlib_is_made_once_however_many_processes_begin_at_once(home):
    code = "from objectives.gpt import fingerprint; print(fingerprint({'dataset': 'stdlib'})['data'])"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    prints = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert prints == {gpt.fingerprint(BASELINE)["data"]}
    (folder,) = (home / "data").iterdir()
    assert sorted(each.name for each in folder.iterdir()) == [
        "fingerprint.json",
        "meta.json",
        "train.bin",
        "val.bin",
    ]


def test_a_home_that_cannot_be_written_is_one_clear_line(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match=r"^dataset 'stdlib': cannot write .*home/data/stdlib-.*"):
        open_data(GptConfig())


# Fingerprints


def test_a_fingerprint_is_of_the_files_content(tmp_path):
    one, two = write_dataset(tmp_path / "one"), write_dataset(tmp_path / "two")
    assert gpt.fingerprint(one) == gpt.fingerprint(two)
    other = write_dataset(tmp_path / "other", val=[*range(299), 7])
    assert gpt.fingerprint(one) != gpt.fingerprint(other)
    lines = [
        f"{name} {hashlib.sha256((tmp_path / 'one' / name).read_bytes()).hexdigest()}\n"
        for name in ("train.bin", "val.bin", "meta.json")
    ]
    assert gpt.fingerprint(one)["data"] == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_fingerprint_is_kept_beside_the_data_until_a_file_changes(tmp_path):
    config = write_dataset(tmp_path / "set")
    first = gpt.fingerprint(config)
    kept = tmp_path / "set/fingerprint.json"
    kept.write_text(kept.read_text().replace(first["data"], "0" * 64))
    assert gpt.fingerprint(config) == {"data": "0" * 64}  # believed, so nothing was read again
    write_dataset(tmp_path / "set", train=range(999))
    assert gpt.fingerprint(config)["data"] not in ("0" * 64, first["data"])
    kept.write_text("not JSON")
    assert len(gpt.fingerprint(config)["data"]) == 64


# Batches


def test_a_batch_is_text_and_its_successors(tmp_path):
    config = GptConfig.parse(write_dataset(tmp_path))
    data = open_data(config)
    tokens, targets = train_batch(data, config, seed=1, iteration=0)
    assert tokens.shape == targets.shape == (4, 16)
    assert tokens.dtype == targets.dtype == torch.int64
    assert torch.equal(targets, tokens + 1)  # the text counts upwards
    assert tokens.min() >= 0
    assert targets.max() <= 999


def test_train_batches_depend_on_seed_and_iteration_alone(tmp_path):
    config = GptConfig.parse(write_dataset(tmp_path))
    data = open_data(config)

    def starts(seed: int, iteration: int) -> list[int]:
        return train_batch(data, config, seed, iteration)[0][:, 0].tolist()

    forwards = [starts(7, i) for i in range(20)]
    assert [starts(7, i) for i in reversed(range(20))] == forwards[::-1]
    assert len({tuple(each) for each in forwards}) == 20
    assert starts(8, 0) != starts(7, 0)
    assert starts(-1, 0) == starts(2**64 - 1, 0)
    assert starts(7, 0) == [588, 503, 256, 266]  # for ever: a resumed trial must see the same text


def test_every_place_in_train_is_drawn_up_to_the_last(tmp_path):
    config = GptConfig.parse({**write_dataset(tmp_path, train=range(20)), "batch_size": 64})
    data = open_data(config)
    starts = train_batch(data, config, seed=0, iteration=0)[0][:, 0]
    assert set(starts.tolist()) == {0, 1, 2, 3}


def test_evaluation_reads_the_same_text_evenly_spread_whatever_the_seed(tmp_path):
    config = GptConfig.parse({**write_dataset(tmp_path, val=range(1000)), "eval_iters": 5})
    data = open_data(config)
    assert count_val_batches(data, config) == 5
    starts = torch.cat([val_batch(data, config, index)[0][:, 0] for index in range(5)])
    assert starts[0] == 0
    assert starts[-1] == 1000 - 17
    gaps = starts.diff()
    assert gaps.min() >= gaps.max() - 1


def test_evaluation_reads_no_more_than_there_is(tmp_path):
    config = GptConfig.parse({**write_dataset(tmp_path, val=range(300)), "eval_iters": 200})
    data = open_data(config)
    assert count_val_batches(data, config) == 4  # 4 x 4 x 16 of 300 tokens
    tiny = GptConfig.parse({**write_dataset(tmp_path, val=range(17)), "eval_iters": 200})
    data = open_data(tiny)
    assert count_val_batches(data, tiny) == 1
    assert val_batch(data, tiny, 0)[0].shape == (4, 16)


# Element types and names


def test_tokens_of_four_bytes_are_read_as_meta_json_says(tmp_path):
    narrow = GptConfig.parse(write_dataset(tmp_path / "narrow"))
    wide = write_dataset(tmp_path / "wide", range(99_000, 100_000), range(99_000, 99_300), 100_000, "uint32")
    config = GptConfig.parse(wide)
    batch, same = (train_batch(open_data(each), each, 7, 0)[0] for each in (config, narrow))
    assert torch.equal(batch, same + 99_000)
    assert val_batch(open_data(config), config, 0)[1].max() < 99_300
    with pytest.raises(UsageError, match=r"train\.bin holds token 99999; vocab_size 99999 ends at 99998"):
        gpt.fingerprint({**wide, "vocab_size": 99_999})
    (tmp_path / "wide/val.bin").write_bytes(bytes(402))
    assert "val.bin has 402 bytes, no multiple of 4; its tokens must be uint32" in str(gpt.validate(wide))


@pytest.mark.parametrize(
    ("dtype", "end"), [("uint64", "; did you mean 'uint16'?"), (7, "; allowed: uint16, uint32"), (["uint16"], "")]
)
def test_an_element_type_that_is_not_known_is_one_clear_line(tmp_path, dtype, end):
    config = write_dataset(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps({"vocab_size": 1000, "dtype": dtype}))
    reason = gpt.validate(config)
    assert reason is not None
    assert f"meta.json gives dtype {dtype!r}{end}" in reason


def test_a_dataset_that_was_prepared_is_found_by_its_name(tmp_path, home, monkeypatch):
    order = Preparation.of("fox", [str(Path(__file__))], None, "char", None)
    prepare(order, lambda what, done, total: None)
    config = GptConfig.parse({"dataset": "fox", "block_size": 16})
    data = open_data(config)
    chars = json.loads((home / "datasets/fox/meta.json").read_text())["chars"]
    assert data.vocab_size == len(chars)
    text = "".join(chars[each] for each in [*data.train, *data.val])
    assert text == Path(__file__).read_text()
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "fox", vocab_size=7)
    assert open_data(config).vocab_size == len(chars)  # wherever we are, the name means the same
    assert gpt.cost({"dataset": "./fox", "block_size": 16})["params"] < gpt.cost({"dataset": "fox"})["params"]


def test_an_unknown_name_is_answered_with_the_nearest(home):
    write_dataset(home / "datasets/shakespeare")
    assert gpt.validate({"dataset": "shakespeare", "block_size": 16}) is None
    assert str(gpt.validate({"dataset": "shakespear"})).endswith(" is not there; did you mean 'shakespeare'?")
    assert str(gpt.validate({"dataset": "stdlibs"})).endswith(" is not there; did you mean 'stdlib'?")
    assert str(gpt.validate({"dataset": "qqq"})).endswith(" is not there; allowed: stdlib, gssm, shakespeare")


def test_what_is_not_finished_is_not_taken_for_a_dataset(home):
    config = write_dataset(home / "datasets/.fox.part")
    (home / "datasets/.fox.part/state.json").write_text("{}")
    for dataset in ("fox", config["dataset"]):
        assert "is not finished: run `data prepare` again" in str(gpt.validate({**config, "dataset": dataset}))


# Datasets that cannot serve


def test_the_vocabulary_is_the_config_s_or_meta_json_s(tmp_path):
    config = write_dataset(tmp_path)
    assert open_data(GptConfig.parse(config)).vocab_size == 1000
    assert open_data(GptConfig.parse({**config, "vocab_size": 1024})).vocab_size == 1024


def test_a_dataset_s_folder_may_be_given_relative_or_from_home(tmp_path, monkeypatch):
    config = write_dataset(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    assert gpt.validate({**config, "dataset": "set"}) is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert gpt.validate({**config, "dataset": "~/set"}) is None


def test_a_pickle_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    config = write_dataset(tmp_path / "set", vocab_size=None)
    (tmp_path / "set/meta.pkl").write_bytes(pickle.dumps(Trap()))
    reason = gpt.validate(config)
    assert reason is not None
    assert "no meta.json: give vocab_size in the config; meta.pkl is a pickle, which is never loaded" in reason
    assert gpt.validate({**config, "vocab_size": 1000}) is None
    open_data(GptConfig.parse({**config, "vocab_size": 1000}))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda folder: (folder / "val.bin").unlink(), "has no val.bin; uint16 tokens are needed"),
        (
            lambda folder: (folder / "val.bin").write_bytes(b""),
            "val.bin has 0 tokens; block_size 16 needs 17",
        ),
        (
            lambda folder: (folder / "train.bin").write_bytes(bytes(32)),
            "train.bin has 16 tokens; block_size 16",
        ),
        (
            lambda folder: (folder / "train.bin").write_bytes(bytes(301)),
            "train.bin has 301 bytes, an odd number",
        ),
        (lambda folder: (folder / "meta.json").unlink(), "has no meta.json: give vocab_size in the config"),
        (lambda folder: (folder / "meta.json").write_text("{"), "meta.json cannot be read as JSON"),
        (lambda folder: (folder / "meta.json").write_text("[]"), "meta.json gives vocab_size None"),
        (lambda folder: (folder / "meta.json").write_text('{"vocab_size": 65537}'), "gives vocab_size 65537"),
        (lambda folder: (folder / "meta.json").write_text('{"vocab_size": true}'), "gives vocab_size True"),
    ],
)
def test_a_dataset_that_cannot_serve_is_one_clear_line(tmp_path, break_it, reason):
    config = write_dataset(tmp_path / "set")
    break_it(tmp_path / "set")
    found = gpt.validate(config)
    assert found is not None
    assert reason in found
    assert "\n" not in found
    with pytest.raises(UsageError):
        gpt.fingerprint(config)
    with pytest.raises(UsageError):
        gpt.cost(config)


@pytest.mark.parametrize("dataset", ["stdlob", "/no/such/folder", "", "\0", "~nobody-at-all/set"])
def test_a_dataset_that_is_not_there_is_one_clear_line(dataset):
    reason = gpt.validate({"dataset": dataset})
    assert reason is not None
    assert reason.startswith(f"config: dataset is {dataset!r}; 'stdlib' or a folder")
    assert "\n" not in reason


def test_one_token_beyond_the_vocabulary_is_found_before_a_study_begins(tmp_path):
    tokens = np.zeros(1_000_000, dtype=np.uint16)
    tokens[523_456] = 50_000
    config = write_dataset(tmp_path, train=tokens, vocab_size=50_000)
    for _ in range(2):  # read, and remembered
        with pytest.raises(UsageError, match=r"train\.bin holds token 50000; vocab_size 50000 ends at 49999"):
            gpt.fingerprint(config)
    assert gpt.fingerprint({**config, "vocab_size": 50_001})


@pytest.mark.parametrize("place", [0, 999_999])
def test_training_looks_for_tokens_beyond_the_vocabulary_before_it_starts(tmp_path, place):
    tokens = np.zeros(1_000_000, dtype=np.uint16)
    tokens[place] = 50_000
    config = write_dataset(tmp_path, val=tokens, vocab_size=50_000)
    with pytest.raises(UsageError, match=r"val\.bin holds token 50000; vocab_size 50000 ends at 49999"):
        open_data(GptConfig.parse(config))


# Configurations that cannot run


def test_the_growth_baseline_is_accepted_as_it_is():
    config = GptConfig.parse(BASELINE)
    assert {key: getattr(config, key) for key in BASELINE} == BASELINE


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"n_haed": 2}, "config: unknown key 'n_haed'; did you mean 'n_head'?"),
        ({"use_rotary": True}, "config: unknown key 'use_rotary'; did you mean 'use_rotary_embeddings'?"),
        ({"n_layer": True}, "config: n_layer is True; a whole number is needed"),
        ({"n_layer": 2.0}, "config: n_layer is 2.0; a whole number is needed"),
        ({"n_layer": None}, "config: n_layer is None; a whole number is needed"),
        ({"n_kv_group": "2"}, "config: n_kv_group is '2'; a whole number, or null is needed"),
        ({"learning_rate": "1e-4"}, "config: learning_rate is '1e-4'; a number is needed"),
        ({"learning_rate": False}, "config: learning_rate is False; a number is needed"),
        ({"learning_rate": float("nan")}, "config: learning_rate is nan; a number is needed"),
        ({"learning_rate": float("inf")}, "config: learning_rate is inf; a number is needed"),
        ({"weight_decay": -1}, "config: weight_decay is -1; at least 0.0 is needed"),
        ({"use_flash_lobo": "no"}, "config: use_flash_lobo is 'no'; true or false is needed"),
        ({"use_flash_lobo": 1}, "config: use_flash_lobo is 1; true or false is needed"),
        ({"family": "lobbo"}, "config: family is 'lobbo'; did you mean 'lobo'?"),
        ({"attention_variant": "x"}, "config: attention_variant is 'x'; allowed: infinite, causal"),
        ({"dataset": 5}, "config: dataset is 5; text is needed"),
        ({"eval_interval": 0}, "config: eval_interval is 0; at least 1 is needed"),
        ({"max_iters": 0}, "config: max_iters is 0; at least 1 is needed"),
        ({"n_embd": -32}, "config: n_embd is -32; at least 1 is needed"),
        ({"dropout": 1.0}, "config: dropout is 1.0; less than 1.0 is needed"),
        ({"n_head_layerlist": []}, "config: n_head_layerlist is []; a list of whole numbers, at least one"),
        ({"n_head_layerlist": [1, 2.5]}, "config: n_head_layerlist is [1, 2.5]; a list of whole numbers"),
        ({"n_head_layerlist": [1, 0]}, "config: n_head_layerlist[1] is 0; at least 1 is needed"),
        ({"n_head_layerlist": 3}, "config: n_head_layerlist is 3; a list of whole numbers"),
        ({"warmup_iters": 20, "max_iters": 10}, "config: warmup_iters 20 is above max_iters 10"),
        ({"learning_rate": 1e-4, "min_lr": 1e-3}, "config: min_lr 0.001 is above learning_rate 0.0001"),
        ({"vocab_size": 255}, "config: vocab_size is 255; dataset 'stdlib' has bytes: 256 is needed"),
        (
            {"attention_variant": "causal", "n_head": 3},
            "config: layer 0: n_head 3 does not divide n_embd 32, as it must in attention_variant causal",
        ),
        (
            {"family": "gpt2", "n_head": 3},
            "config: layer 0: n_head 3 does not divide n_embd 32, as it must in family gpt2",
        ),
        (
            {"n_head": 4, "n_kv_group": 3},
            "config: layer 0: n_kv_group 3 does not divide n_head 4",
        ),
        (
            {"n_layer": 3, "n_head_layerlist": [2, 3], "n_kv_group": 2},
            "config: layer 1: n_kv_group 2 does not divide n_head 3",
        ),
        (
            {"n_qk_head_dim": 9},
            "config: layer 0: n_qk_head_dim is 9; use_rotary_embeddings turns pairs, so it must be even",
        ),
        (
            {"attention_variant": "causal", "n_embd": 36, "n_head": 12},
            "config: layer 0: n_embd / n_head is 3; use_rotary_embeddings turns pairs, so it must be even",
        ),
    ],
)
def test_a_config_that_cannot_run_says_why_in_one_line(config, reason):
    found = gpt.validate(config)
    assert found is not None
    assert found.startswith(reason)
    assert "\n" not in found


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"learning_rate": 1, "min_lr": 0},
        {"n_head": 3},
        {"n_qk_head_dim": 9, "use_rotary_embeddings": False},
        {"family": "gpt2", "n_head": 4, "n_qk_head_dim": 9, "n_kv_group": 3},
        {"n_layer": 1, "n_head_layerlist": [2, 3], "n_kv_group": 2},
        {"vocab_size": 50304},
        {"max_iters": 3, "eval_interval": 10**6},
    ],
    ids=str,
)
def test_a_config_that_can_run_has_nothing_said_against_it(config):
    assert gpt.validate(config) is None
