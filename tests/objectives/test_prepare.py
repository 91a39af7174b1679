"""`data prepare` and `data list`: what is written, what is refused, and what a killed one leaves behind."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.datasets import catalogue, sources
from objectives.datasets.sources import HubRows, Source, TextFiles
from storage.errors import UsageError
from storage.home import CHECKOUT
from tests.support.prepared import DRIVER, FOX, call, home, meta_of, program, read, refused, text_of, tokens_of

__all__ = ["call", "home"]  # fixtures


# What is written


def test_bytes_are_tokens_and_the_last_tenth_is_val(call, tmp_path):
    text = bytes(range(256)) * 40 + b"\xff\xfe"
    (tmp_path / "a").write_bytes(text)
    code, said, _ = call("data", "prepare", "any", "--text", tmp_path / "a", "--tokenizer", "bytes")
    assert code == 0 and said.startswith("any: 9217 tokens train, 1025 val, vocabulary 256: ")
    train, val = tokens_of("any")
    assert bytes(train + val) == text and len(train) == len(text) * 9 // 10
    meta = meta_of("any")
    assert meta.pop("sha256") == {
        each: hashlib.sha256(read("any")[each]).hexdigest() for each in ("train.bin", "val.bin")
    }
    counts = {"train": 9217, "val": 1025}
    assert meta == {"vocab_size": 256, "dtype": "uint16", "tokenizer": "bytes", "val": 0.1, "counts": counts}


def test_characters_are_counted_and_their_table_is_kept(call, tmp_path):
    text = "".join(sorted(FOX)) * 30
    (tmp_path / "a").write_text(text)
    assert call("data", "prepare", "c", "--text", tmp_path / "a", "--tokenizer", "char", "--val", "0.25")[0] == 0
    meta = meta_of("c")
    assert meta["chars"] == "".join(sorted(set(text))) and meta["vocab_size"] == len(set(text))
    train, val = tokens_of("c")
    assert "".join(meta["chars"][each] for each in train + val) == text
    assert len("".join(meta["chars"][each] for each in train).encode()) in range(
        len(text.encode()) * 3 // 4 - 3, len(text.encode()) * 3 // 4 + 1
    )


def test_the_end_of_each_file_is_val_whatever_the_tokenizer(call, tmp_path):
    for name, letter in (("a", "a"), ("b", "é"), ("none", "")):
        (tmp_path / name).write_text(letter * 1000)
    files = [tmp_path / "b", tmp_path / "none", tmp_path / "a"]
    assert call("data", "prepare", "c", "--text", *files, "--tokenizer", "char")[0] == 0
    assert tokens_of("c") == ([1] * 900 + [0] * 900, [1] * 100 + [0] * 100)
    again = ["--text", files[0], "--text", files[1], "--text", files[2]]
    assert call("data", "prepare", "b", *again, "--tokenizer", "bytes")[0] == 0
    assert bytes(tokens_of("b")[1]).decode() == "é" * 100 + "a" * 100


def test_the_same_text_gives_the_same_three_files_wherever_it_lies(call, tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_text(FOX * 100)
        monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / folder))
        assert call("data", "prepare", "c", "--text", tmp_path / folder / "a", "--tokenizer", "char")[0] == 0
    two = read("c")
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "one"))
    assert read("c") == two


def test_a_vocabulary_beyond_65536_takes_uint32(tmp_path, call):
    (tmp_path / "a").write_text("".join(map(chr, [*range(0x20, 0xD800), *range(0xE000, 0x13000)])) * 2)
    assert call("data", "prepare", "many", "--text", tmp_path / "a", "--tokenizer", "char", "--val", "0.5")[0] == 0
    meta = meta_of("many")
    assert meta["dtype"] == "uint32" and meta["vocab_size"] == 0x13000 - 0x800 - 0x20
    assert tokens_of("many")[1] == list(range(meta["vocab_size"]))


def test_tiktoken_s_encodings_those_of_plugins_too(tmp_path):
    (tmp_path / "tiktoken_ext").mkdir()
    (tmp_path / "tiktoken_ext/tiny.py").write_text(
        "def tiny():\n"
        "    ranks = {bytes([i]): i for i in range(256)} | {b'fo': 256, b'fox': 257}\n"
        "    return {'name': 'tiny', 'pat_str': r'\\w+|\\W+', 'mergeable_ranks': ranks,\n"
        "            'special_tokens': {'<|endoftext|>': 70000}}\n"
        "ENCODING_CONSTRUCTORS = {'tiny': tiny}\n"
    )
    (tmp_path / "a").write_text("fox!" * 90 + "<|endoftext|>" + "fox!" * 10)
    found = program(
        *["data", "prepare", "t", "--text", tmp_path / "a", "--tokenizer", "tiktoken:tiny"],
        before=f"sys.path.insert(0, {str(tmp_path)!r})",
    )
    assert found.returncode == 0, found.stderr
    train, val = tokens_of("t")
    assert meta_of("t")["dtype"] == "uint32" and meta_of("t")["vocab_size"] == 70001
    assert train[:4] == [257, 33, 257, 33] and val[-1] == 33
    assert 70000 not in train + val and b"<|endoftext|>"[1] in train + val  # in a text it is text


# Hugging Face


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A dataset of the hub's form, with a split for validation."""
    (tmp_path / "rows").mkdir()
    for split, count in (("train", 150), ("validation", 20)):
        made = [{"text": f"{i} é" * (i % 3), "title": f"{split} {i}", "label": i} for i in range(count)]
        (tmp_path / f"rows/{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    return tmp_path / "rows"


def test_rows_are_documents_and_validation_is_val(call, rows):
    code, _, said = call("data", "prepare", "h", "--hf", rows, "--tokenizer", "bytes")
    assert code == 0, said
    train, val = (bytes(each).decode() for each in tokens_of("h"))
    assert train == "".join(f"{i} é" * (i % 3) + "\n" for i in range(150) if i % 3)
    assert val == "".join(f"{i} é" * (i % 3) + "\n" for i in range(20) if i % 3)
    assert call("data", "prepare", "h", "--hf", rows, "--tokenizer", "bytes")[1].startswith("h: already prepared")


def test_a_field_and_a_share_may_be_asked_for(call, rows):
    arguments = "--hf", f"{rows}:title", "--tokenizer", "char", "--val", "0.2"
    assert call("data", "prepare", "h", *arguments)[0] == 0
    chars = meta_of("h")["chars"]
    train, val = ("".join(chars[each] for each in split) for split in tokens_of("h"))
    assert (train + val).split("\n") == [*(f"train {i}" for i in range(150)), ""]
    assert val.startswith("train 120\n")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("{}:titel", "'titel' is not a field; did you mean 'title'?"),
        ("{}:label", "'label' is not text; allowed: text, title"),
        ("{}:defalt:text", "no config 'defalt'; did you mean 'default'?"),
        ("{}:a:b:c", "is not DATASET[:CONFIG][:FIELD]"),
        (":x", "is not DATASET[:CONFIG][:FIELD]"),
        ("{}-nowhere", "cannot be loaded"),
        (
            "nobody/nothing",
            "cannot be loaded: ConnectionError: Couldn't reach 'nobody/nothing' on the Hub (OfflineModeIsEnabled)",
        ),
    ],
)
def test_a_hub_dataset_that_cannot_serve_is_one_clear_line(call, rows, asked, reason):
    refused(call("data", "prepare", "h", "--hf", asked.format(rows), "--tokenizer", "bytes"), reason)


# Reading on


def pieces(source: Source, position: int = 0) -> Iterator[tuple[int | None, list[tuple[bytes, bool, bool]]]]:
    for batch in source.batches(position):
        yield batch.position, [(each.text, each.is_val, each.ends) for each in batch.pieces]


def check_reading_on(source: Source) -> None:
    """From every position, what follows is what followed it when everything was read."""
    whole = list(pieces(source))
    assert whole[-1][0] == source.total
    for place, (position, _) in enumerate(whole):
        if position is not None:
            assert list(pieces(source, position)) == whole[place + 1 :]


@given(texts=st.lists(st.text(st.sampled_from("ab\né漢😀")), min_size=1, max_size=4), share=st.floats(0.01, 0.99))
def test_files_are_cut_between_characters_and_the_same_from_every_position(tmp_path_factory, texts, share):
    folder = tmp_path_factory.mktemp("texts")
    for number, text in enumerate(texts):
        (folder / str(number)).write_text(text, newline="")
    before = sources.MAX_PIECE_BYTES, sources.BATCH_PIECES
    sources.MAX_PIECE_BYTES, sources.BATCH_PIECES = 8, 2
    try:
        files = [folder / str(number) for number in range(len(texts))]
        try:
            source = TextFiles.of(files, share)
        except UsageError:
            total = len("".join(texts).encode())
            assert total <= 4 * len(texts) * max(1, 1 / (1 - share))
            return
        check_reading_on(source)
        read_all = [piece for batch in source.batches(0) for piece in batch.pieces]
        assert b"".join(piece.text for piece in read_all).decode() == "".join(texts)
        for piece in read_all:
            assert 0 < len(piece.text) <= 8 and piece.text.decode() is not None
    finally:
        sources.MAX_PIECE_BYTES, sources.BATCH_PIECES = before


def test_rows_are_the_same_from_every_position(tmp_path, rows, monkeypatch):
    for piece, most, forgotten in ((2**18, 64, 2**26), (4, 7, 99)):
        monkeypatch.setattr(sources, "MAX_PIECE_BYTES", piece)
        monkeypatch.setattr(sources, "BATCH_ROWS", most)
        monkeypatch.setattr(sources, "MAX_MAPPED_BYTES", forgotten)
        for val in (None, 0.3):
            source = HubRows(str(rows), val)
            check_reading_on(source)
            texts = [piece for _, some in pieces(source) for piece in some]
            assert sum(ends for *_, ends in texts) == len([i for i in range(150) if i % 3]) + (13 if val is None else 0)
            assert all(text.decode() is not None for text, *_ in texts)


def test_of_two_at_once_one_is_refused(call, tmp_path):
    (tmp_path / "a").write_text(FOX)
    catalogue.datasets_folder().mkdir(parents=True)
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    command = [sys.executable, "-c", code, catalogue.datasets_folder() / ".x.lock"]
    arguments = "data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", "bytes"
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        refused(call(*arguments), "another process is preparing 'x'")
        holder.kill()
    assert call(*arguments)[0] == 0


# Again


def test_the_same_again_is_already_there_and_other_arguments_need_force(call, tmp_path):
    (tmp_path / "a").write_text(FOX * 9)
    (tmp_path / "b").write_text(FOX * 8)
    same = "data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer"
    assert call(*same, "bytes")[0] == 0
    before = read("x")
    code, said, _ = call(*same, "bytes", "--val", "0.1")
    assert (code, said) == (0, f"x: already prepared: {catalogue.datasets_folder() / 'x'}\n")
    end = "; --force replaces it"
    refused(call(*same, "char"), "'x' was made from other --tokenizer (bytes)" + end)
    refused(call(*same, "bytes", "--val", "0.2"), "'x' was made from other --val (0.1)" + end)
    other = "data", "prepare", "x", "--text", tmp_path / "b", "--tokenizer", "bytes"
    refused(call(*other), "'x' was made from other files, or files that changed" + end)
    assert read("x") == before
    assert call(*other, "--force")[0] == 0
    assert text_of("x") == FOX * 8
    assert sorted(each.name for each in catalogue.datasets_folder().iterdir()) == ["x"]


def test_a_folder_made_by_hand_is_not_replaced_unasked(call, tmp_path):
    (tmp_path / "a").write_text(FOX)
    (catalogue.datasets_folder() / "mine").mkdir(parents=True)
    (catalogue.datasets_folder() / "mine/train.bin").write_bytes(b"1234")
    arguments = "data", "prepare", "mine", "--text", tmp_path / "a", "--tokenizer", "bytes"
    refused(call(*arguments), "mine was not made by `data prepare`; --force replaces it")
    assert json.loads(call("data", "list", "--json")[1])[0]["problem"] == "no meta.json"
    assert call(*arguments, "--force")[0] == 0 and meta_of("mine")


def test_a_file_that_changed_since_it_was_half_read_is_not_gone_on_with(call, tmp_path):
    (tmp_path / "a").write_text(FOX * 300)
    script = DRIVER + "print(run('x', sys.argv[1], 'bytes', False, 40))"
    subprocess.run([sys.executable, "-c", script, tmp_path / "a"], cwd=CHECKOUT, check=True, timeout=60)
    (tmp_path / "a").write_text(FOX[::-1] * 300)
    arguments = "data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", "bytes"
    refused(call(*arguments), "made from other files, or files that changed; --force")
    assert call(*arguments, "--force")[0] == 0
    assert text_of("x") == FOX[::-1] * 300


# Memory


@pytest.mark.parametrize("tokenizer", ["bytes", "char"])
def test_memory_does_not_grow_with_the_text(tmp_path, tokenizer):
    block, peaks = (FOX * 16000).encode(), []
    for name, times in (("small", 16), ("large", 64)):
        with (tmp_path / name).open("wb") as file:
            for _ in range(times):
                file.write(block)
        told = program(
            *["data", "prepare", name, "--text", tmp_path / name, "--tokenizer", tokenizer],
            before="import atexit; atexit.register(lambda: print(open('/proc/self/status').read()))",
        )
        assert told.returncode == 0, told.stderr
        peaks.append(int(told.stdout.partition("VmHWM:")[2].split()[0]) / 1024)
        (tmp_path / name).unlink()
    small, large = peaks
    assert large < 200 and large < small + 16  # MiB; the text grew by 48 times a block of more than 1 MB


# Wrong input


GOOD = {"name": "x", "--text": "{}/a", "--tokenizer": "bytes"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"--text": "{}/b"}, "/b does not exist"),
        ({"--text": "{}/folders"}, "/folders does not exist; did you mean '"),
        ({"--text": "{}/folder"}, "/folder is a folder; its files are needed, as in "),
        ({"--text": "{}/empty"}, "--text: there is no text: 0 bytes"),
        ({"--text": "{}/one"}, "--text: train would be empty, with --val 0.1: 1 bytes"),
        ({"--text": "{}/pipe"}, "/pipe is not a regular file"),
        ({"--text": "{}/" + "n" * 300}, "cannot be read: File name too long"),
        ({"--val": "0"}, "--val: 0 is not a share; more than 0 and less than 1 is needed"),
        ({"--val": "1"}, "--val: 1 is not a share"),
        ({"--val": "-0.1"}, "--val: -0.1 is not a share"),
        ({"--val": "nan"}, "--val: nan is not a share"),
        ({"--val": "a tenth"}, "'a tenth' is not a valid float"),
        ({"--tokenizer": "byte"}, "--tokenizer: 'byte' is unknown; did you mean 'bytes'?"),
        ({"--tokenizer": "tiktoken"}, "--tokenizer: 'tiktoken' is unknown; did you mean 'tiktoken:gpt2'?"),
        ({"--tokenizer": "tiktoken:gpt22"}, "'gpt22' is unknown; did you mean 'gpt2'?"),
        ({"--tokenizer": "gpt-4o"}, "'gpt-4o' is unknown; allowed: bytes, char, tiktoken:gpt2, hf:NAME"),
        ({"name": "../x"}, "data prepare: '../x' holds '/'"),
        ({"name": ".."}, "data prepare: '..' begins with '.'"),
        ({"name": ""}, "data prepare: '' has 0 characters"),
        ({"name": "x\n"}, "data prepare: 'x\\n' holds '\\n'"),
        ({"--text": None}, "data prepare: text is needed: one of --text FILES… or --hf DATASET"),
        ({"--hf": "some/set"}, "data prepare: one of --text FILES… or --hf DATASET"),
        ({"--text": None, "--hf": ""}, "data prepare: text is needed"),
        ({"--tokenizer": None}, "Missing option '--tokenizer'"),
        ({"name": "stdlib"}, "data prepare: 'stdlib' is built in; choose another name"),
        ({"name": "gssm"}, "'gssm' is built in"),
    ],
    ids=str,
)
def test_wrong_input_is_one_clear_line_and_nothing_is_written(call, tmp_path, home, change, reason):
    (tmp_path / "a").write_text(FOX)
    (tmp_path / "one").write_text("x")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    wanted = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    options = [part for key, value in wanted.items() if key != "name" for part in (key, value.format(tmp_path))]
    refused(call("data", "prepare", *options, "--", wanted["name"]), reason)
    assert not home.exists()


def test_files_without_text_are_one_clear_line(call):
    refused(call("data", "prepare", "x", "a.txt", "--tokenizer", "bytes"), "'a.txt': files are given by --text")


def test_a_file_that_may_not_be_read_is_one_clear_line(tmp_path, home):
    (tmp_path / "a").write_text(FOX)
    (tmp_path / "a").chmod(0)

    def as_others() -> None:
        if os.geteuid() == 0:  # root reads everything, unless these two are taken from it
            for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
                assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP

    arguments = "data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", "bytes"
    found = program(*arguments, preexec_fn=as_others)
    refused((found.returncode, found.stdout, found.stderr), "/a cannot be read: Permission denied")
    assert not home.exists()


@pytest.mark.parametrize("tokenizer", ["char", "tiktoken:tiny"])
def test_text_that_is_not_utf8_is_refused_with_its_place(call, tmp_path, monkeypatch, tokenizer):
    place = 2**18 * 3 + 7
    text = bytearray((FOX * 20000).encode())
    while text[place] >= 0x80:
        place += 1
    text[place] = 0xFF
    (tmp_path / "a").write_bytes(text)
    if tokenizer != "char":
        monkeypatch.setattr("tiktoken.registry.ENCODING_CONSTRUCTORS", {"tiny": one_byte_each})
    told = call("data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", tokenizer)
    refused(told, f"/a is not UTF-8 at byte {place}; --tokenizer bytes reads any file")
    assert list(catalogue.datasets_folder().iterdir()) == [] and catalogue.entries() == []
    assert call("data", "prepare", "y", "--text", tmp_path / "a", "--tokenizer", "bytes")[0] == 0


def one_byte_each() -> dict[str, Any]:
    ranks = {bytes([each]): each for each in range(256)}
    return {"name": "tiny", "pat_str": r"\S+|\s+", "mergeable_ranks": ranks, "special_tokens": {}}


@pytest.mark.parametrize(
    ("package", "asked"),
    [
        ("tiktoken", ["--text", "{}/a", "--tokenizer", "tiktoken:gpt2"]),
        ("transformers", ["--text", "{}/a", "--tokenizer", "hf:gpt2"]),
        ("datasets", ["--hf", "some/set", "--tokenizer", "bytes"]),
    ],
)
def test_a_package_that_is_missing_is_one_clear_line(call, tmp_path, home, monkeypatch, package, asked):
    (tmp_path / "a").write_text(FOX)
    monkeypatch.setitem(sys.modules, package, None)
    told = call("data", "prepare", "x", *(each.format(tmp_path) for each in asked))
    refused(told, f"needs the package '{package}': pip install {package}")
    assert not home.exists()


def test_a_full_disk_is_one_clear_line_and_run_again_it_ends_with_the_same_bytes(call, tmp_path):
    (tmp_path / "a").write_text(FOX * 20000)
    arguments = "--text", tmp_path / "a", "--tokenizer", "bytes"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    found = program("data", "prepare", "x", *arguments, preexec_fn=little_room)
    refused(
        (found.returncode, found.stdout, found.stderr),
        "cannot be written: File too large; run the same command to go on",
        code=1,
    )
    assert catalogue.names() == []
    assert call("data", "prepare", "x", *arguments)[0] == 0
    assert call("data", "prepare", "y", *arguments)[0] == 0
    assert read("x") == read("y")


def test_a_home_that_cannot_be_written_is_one_clear_line(call, tmp_path, home):
    (tmp_path / "a").write_text(FOX)
    home.write_text("a file where the folder should be")
    told = call("data", "prepare", "x", "--text", tmp_path / "a", "--tokenizer", "bytes")
    refused(told, "cannot be written: Not a directory", code=1)


def test_a_file_that_changes_between_the_two_passes_is_found(tmp_path, monkeypatch):
    (tmp_path / "a").write_text(FOX * 9)
    source = TextFiles.of([tmp_path / "a"], None)
    assert source.val == Fraction(1, 10)
    (tmp_path / "a").write_text(FOX * 8)
    with pytest.raises(UsageError, match=r"/a changed while it was read"):
        list(source.batches(0))


# data list


def test_data_list_says_what_there_is(call, tmp_path):
    assert call("data", "list", "--json")[:2] == (0, "[]\n")
    assert call("data", "list")[0] == 0
    (tmp_path / "a").write_text("ab" * 500)
    assert call("data", "prepare", "set", "--text", tmp_path / "a", "--tokenizer", "char")[0] == 0
    assert json.loads(call("data", "list", "--json")[1]) == [
        {
            "name": "set",
            "folder": str(catalogue.datasets_folder() / "set"),
            "bytes": 2000,
            "tokenizer": "char",
            "vocab_size": 2,
            "dtype": "uint16",
            "train": 900,
            "val": 100,
            "problem": None,
        }
    ]
    table = call("data", "list")[1].splitlines()
    assert table[1].split() == ["set", "char", "2", "uint16", "900", "100", "0.0"]
