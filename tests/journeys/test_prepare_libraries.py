"""`data prepare` with the libraries of Hugging Face and OpenAI: memory, tokenizers, a network that is dead."""

from __future__ import annotations

import json
import os

import pytest

from objectives.datasets.sources import HubRows
from tests.support.prepared import FOX, home, program, refused, tokens_of

__all__ = ["home"]  # a fixture


def test_tokenizers_of_the_hub_s_form(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"fox": 0, "the": 1, "\n": 2, "?": 3, "</s>": 4}
    made = Tokenizer(models.WordLevel(words, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    made.enable_truncation(5)
    (tmp_path / "made").mkdir()
    made.save(str(tmp_path / "made/tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "model_max_length": 5}
    (tmp_path / "made/tokenizer_config.json").write_text(json.dumps(settings))
    rows = [{"text": "the fox"}] * 9 + [{"text": "the cat"}]
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "text").write_text("the fox " * 300)
    for name, source in (("t", ("--text", tmp_path / "text")), ("h", ("--hf", tmp_path / "rows"))):
        tokenizer = f"hf:{tmp_path / 'made'}"
        found = program("data", "prepare", name, *source, "--tokenizer", tokenizer)
        assert found.returncode == 0, found.stderr
    assert tokens_of("t") == ([1, 0] * 270, [1, 0] * 30)
    assert tokens_of("h") == ([1, 0, 4] * 9, [1, 3, 4])


def test_memory_does_not_grow_with_the_rows(tmp_path):
    from datasets import config

    peaks, row = [], json.dumps({"text": FOX * 400}, ensure_ascii=False) + "\n"
    for name, megabytes in (("small", 8), ("large", 48)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.jsonl").write_text(row * (megabytes * 1_000_000 // len(row.encode())))
        HubRows(str(tmp_path / name), None)  # `datasets` has its own copy from now on
        told = program(
            *["data", "prepare", name, "--hf", tmp_path / name, "--tokenizer", "bytes"],
            before="import atexit; atexit.register(lambda: print(open('/proc/self/status').read()))\n"
            "from objectives.datasets import sources; sources.MAX_MAPPED_BYTES = 2**22",
            env={**os.environ, "HF_DATASETS_CACHE": str(config.HF_DATASETS_CACHE)},
        )
        peaks.append(int(told.stdout.partition("VmHWM:")[2].split()[0]) / 1024)
    small, large = peaks
    assert large < 400 and large < small + 20, peaks  # MiB; the rows grew by 40 MB


@pytest.mark.parametrize(
    "asked",
    [["--hf", "some/set", "--tokenizer", "bytes"], ["--text", "a", "--tokenizer", "hf:some/tokenizer"]],
    ids=str,
)
def test_what_libraries_have_to_say_of_a_dead_network_is_not_heard(tmp_path, home, asked):
    """They try five times, and log each; here without the pauses between."""
    (tmp_path / "a").write_text(FOX)
    asked = [str(tmp_path / each) if each == "a" else each for each in asked]
    told = program(
        *("data", "prepare", "x", *asked),
        before="import time; time.sleep = lambda _: None",
        env={**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:1"},
    )
    refused((told.returncode, told.stdout, told.stderr), "cannot be loaded")
    assert not home.exists()


def test_a_tokenizer_that_has_to_be_fetched_and_cannot_be_is_one_clear_line(tmp_path, home):
    (tmp_path / "a").write_text(FOX)
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    nowhere = {**os.environ, **proxies, "TIKTOKEN_CACHE_DIR": str(tmp_path)}
    for tokenizer, reason in (
        ("tiktoken:gpt2", "tiktoken:gpt2 must be fetched once, over the network or into TIKTOKEN_CACHE_DIR"),
        ("hf:nobody/nothing", "hf:nobody/nothing cannot be loaded from a folder, the cache or the network"),
    ):
        told = program("data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", tokenizer, env=nowhere)
        refused((told.returncode, told.stdout, told.stderr), reason)
    assert not home.exists()
