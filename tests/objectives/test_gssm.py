"""The dataset gssm: graphs read from a config, their tables, and tokens that are functions of seeds alone."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives import gpt
from objectives.gpt.config import GptConfig
from objectives.gpt.data import count_val_batches, open_data, train_batch, val_batch
from objectives.gssm.graph import GRAPH_KEYS, SMALL, Graph, Node, parse_graph, parse_problem
from objectives.gssm.source import TABLES, TRAIN, VAL, Source, draw_dirichlet
from storage.errors import UsageError
from tests.support.recorder import Recorder

# Graphs


def test_the_short_form_stands_for_hidden_nodes_that_see_the_token_and_a_token_that_sees_them_all() -> None:
    short = {"hidden_nodes": 2, "states": 3, "vocab_size": 5, "alpha_Z": 0.1, "alpha_X": 2}
    nodes = [
        {"name": "Z1", "states": 3, "parents": ["Z1", "X"], "alpha": 0.1},
        {"name": "Z2", "states": 3, "parents": ["Z2", "X"], "alpha": 0.1},
        {"name": "X", "states": 5, "parents": ["Z1", "Z2"], "alpha": 2},
    ]
    graph = parse_graph(short, "config")
    assert graph == parse_graph({"nodes": nodes}, "config")
    assert [graph.rows(node) for node in graph.nodes] == [15, 15, 9]
    assert graph.vocab_size == 5


def test_cycles_and_nodes_without_parents_are_graphs() -> None:
    nodes = [
        {"name": "a", "states": 1, "parents": ["c", "b"], "alpha": 1},
        {"name": "b", "states": 2, "parents": [], "alpha": 1},
        {"name": "c", "states": 3, "parents": ["a", "b", "c"], "alpha": 1},
    ]
    graph = parse_graph({"nodes": nodes}, "config")
    assert [graph.rows(node) for node in graph.nodes] == [6, 1, 6]
    assert Source.make(graph, 0).draw(3, 7, TRAIN, 0).max() < 3


def node(**changed: Any) -> dict[str, Any]:
    return {"name": "X", "states": 4, "parents": ["X"], "alpha": 0.5, **changed}


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"alpha": 1}, "config: unknown key 'alpha'; did you mean 'alpha_Z'?"),
        ({"alpha_X": 0}, "config: alpha_X is 0; a number from 1e-100 to 1e+100 is needed"),
        ({"alpha_Z": -1e-3}, "config: alpha_Z is -0.001; a number from 1e-100 to 1e+100 is needed"),
        ({"alpha_Z": math.nan}, "config: alpha_Z is nan; a number from 1e-100 to 1e+100 is needed"),
        ({"alpha_Z": "low"}, "config: alpha_Z is 'low'; a number from 1e-100 to 1e+100 is needed"),
        ({"alpha_X": 10**400}, f"config: alpha_X is 1{'0' * 56}...; a number from 1e-100 to 1e+100 is needed"),
        ({"states": 0}, "config: states: 0 is not a whole number from 1 to 65,536"),
        ({"hidden_nodes": True}, "config: hidden_nodes: True is not a whole number from 1 to 255"),
        ({"vocab_size": 2.5}, "config: vocab_size: 2.5 is not a whole number from 1 to 65,536"),
        (
            {"hidden_nodes": 11},
            "config: the tables would have 134,223,360 entries, 67,108,864 are allowed; the largest is that of X:"
            " 4,194,304 rows of 32",
        ),
        (
            {"hidden_nodes": 200, "states": 1000},
            "config: the tables would have about 10^601 entries, 67,108,864 are allowed; the largest is that of X:"
            " about 10^600 rows of 32",
        ),
        ({"nodes": [node()], "alpha_X": 1}, "config: alpha_X belongs to the short form; with nodes, give it in"),
        ({"nodes": []}, "config: nodes is []; a list of 1 to 256 nodes is needed"),
        ({"nodes": None}, "config: nodes is None; a list of 1 to 256 nodes is needed"),
        ({"nodes": [[]]}, "config: nodes[0]: [] is not a mapping; keys are name, states, parents, alpha"),
        ({"nodes": [{"name": "X"}]}, "config: nodes[0]: states is missing"),
        ({"nodes": [node(parent=1)]}, "config: nodes[0]: unknown key 'parent'; did you mean 'parents'?"),
        ({"nodes": [node(name="")]}, "config: nodes[0]: name is ''; a text is needed"),
        ({"nodes": [node(states=0)]}, "config: nodes[0]: states: 0 is not a whole number from 1 to 65,536"),
        ({"nodes": [node(alpha=0.0)]}, "config: nodes[0]: alpha is 0.0; a number from 1e-100 to 1e+100 is needed"),
        ({"nodes": [node(parents="X")]}, "config: nodes[0]: parents is 'X'; a list of names is needed"),
        (
            {"nodes": [node(name="hidden"), node(parents=["hiden"])]},
            "config: nodes[1] (X): parents: there is no node 'hiden'; did you mean 'hidden'?",
        ),
        ({"nodes": [node(parents=["X", "X"])]}, "config: nodes[0] (X): parents: 'X' is named twice"),
        ({"nodes": [node(), node()]}, "config: nodes[1] (X): a node above has the same name"),
    ],
)
def test_an_impossible_graph_is_one_line_that_says_where(given_: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_graph(given_, "config")
    assert str(error.value).startswith(told) and "\n" not in str(error.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GRAPH_KEYS, "name", "alpha"]), inner),
    max_leaves=8,
)


@given(JUNK)
def test_whatever_is_given_it_is_a_graph_or_one_line(given_: Any) -> None:
    try:
        assert parse_graph(given_, "config").nodes
    except UsageError as error:
        assert "\n" not in str(error)


# Tables


@pytest.mark.parametrize("alpha", [0.05, 0.125, 1.0, 7.0])
def test_rows_have_the_mean_and_spread_of_their_dirichlet_distribution(alpha: float) -> None:
    size, rows = 4, 40_000
    shares = draw_dirichlet(np.random.Philox(key=1), alpha, rows, size)
    variance = (size - 1) / size**2 / (size * alpha + 1)
    assert shares.mean(axis=0) == pytest.approx(np.full(size, 1 / size), abs=5 * math.sqrt(variance / rows))
    assert shares.var(axis=0) == pytest.approx(np.full(size, variance), rel=0.05)


@pytest.mark.parametrize("alpha", [1e-100, 1e-9, 1e-3, 1e3, 1e100])
def test_no_alpha_makes_a_row_that_is_no_distribution(alpha: float) -> None:
    shares = draw_dirichlet(np.random.Philox(key=2), alpha, 4000, 8)
    assert np.isfinite(shares).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(4000))
    if alpha < 1e-6:
        assert (shares.max(axis=1) == 1.0).all(), "one state is certain"
        assert np.bincount(shares.argmax(axis=1)) == pytest.approx(np.full(8, 500), abs=110)
    if alpha > 1e6:
        assert shares == pytest.approx(np.full((4000, 8), 1 / 8))


# Tokens


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"n{index}" for index in range(draw(st.integers(1, 4)))]
    return Graph(
        tuple(
            Node(
                name,
                draw(st.integers(1, 6)),
                tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))),
                draw(st.sampled_from([0.01, 0.5, 3.0])),
            )
            for name in names
        )
    )


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(-5, 2**64), st.integers(1, 5), st.integers(1, 6))
def test_each_node_follows_its_row_and_parents_above_count_with_their_new_state(
    graph: Graph, seed: int, batch: int, length: int
) -> None:
    source = Source.make(graph, seed)
    words = np.random.Philox(key=np.array([seed % 2**64, 3], np.uint64), counter=np.array([0, 0, 0, VAL], np.uint64))
    states = [dict.fromkeys((node.name for node in graph.nodes), 0) for _ in range(batch)]
    expected: list[list[int]] = [[] for _ in range(batch)]
    for _ in range(length):
        raw = words.random_raw((len(graph.nodes) * batch + 1) // 2)
        halves = [int(half) >> 1 for word in raw for half in (word & np.uint64(2**32 - 1), word >> np.uint64(32))]
        for index, node in enumerate(graph.nodes):
            table = source.tables[index].thresholds.reshape(graph.rows(node), -1)
            for sequence in range(batch):
                row = 0
                for parent in node.parents:
                    size = next(each.states for each in graph.nodes if each.name == parent)
                    row = row * size + states[sequence][parent]
                reached = [int(each) for each in table[row] if each <= halves[index * batch + sequence]]
                states[sequence][node.name] = len(reached)
        for sequence in range(batch):
            expected[sequence].append(states[sequence][graph.nodes[-1].name])
    assert source.draw(batch, length, VAL, seed, 3).tolist() == expected


def test_tokens_are_as_frequent_as_their_row_says() -> None:
    graph = parse_graph({"nodes": [node(states=5, parents=[], alpha=1.0)]}, "config")
    source = Source.make(graph, 3)
    chances = np.diff([0, *source.tables[0].thresholds[:4].tolist(), 2**31]) / 2**31
    tokens = source.draw(200, 500, TRAIN, 9)
    assert np.bincount(tokens.ravel(), minlength=5) / tokens.size == pytest.approx(chances, abs=0.006)
    assert chances == pytest.approx(
        draw_dirichlet(
            np.random.Philox(key=np.array([3, 0], np.uint64), counter=np.array([0, 0, 0, TABLES], np.uint64)), 1.0, 1, 5
        )[0],
        abs=1e-8,
    )


def test_tokens_are_the_same_for_ever() -> None:
    source = Source.make(SMALL.graph, 42)
    assert source.sha256 == "244fea873dd8c0e63374d6b50ee0e64f9b69e40d12cb4069844745c98725829a"
    assert source.draw(2, 12, TRAIN, 1337, 7).tolist() == [
        [4, 17, 31, 21, 28, 3, 2, 9, 22, 10, 25, 31],
        [10, 0, 14, 12, 5, 16, 0, 12, 7, 0, 25, 12],
    ]


def test_seeds_numbers_and_streams_give_different_tokens() -> None:
    source = Source.make(SMALL.graph, 42)
    asked = [(TRAIN, 1, 0), (TRAIN, 2, 0), (TRAIN, 1, 1), (VAL, 1, 0), (TRAIN, -1, 0)]
    drawn = {source.draw(4, 64, *each).tobytes() for each in asked}
    assert len(drawn) == len(asked)
    assert len({Source.make(SMALL.graph, seed).sha256 for seed in range(4)}) == 4
    assert source.sha256 == Source.make(SMALL.graph, 42).sha256


def test_memory_grows_with_the_tokens_not_with_the_tables_rows() -> None:
    source = Source.make(parse_graph({"hidden_nodes": 1, "states": 4, "vocab_size": 2**16}, "config"), 0)
    tracemalloc.start()
    source.draw(4096, 16, TRAIN, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20, "4096 whole rows would be 1 GiB"


# As a dataset of gpt

CONFIG = {
    "dataset": "gssm",
    "gssm": {"hidden_nodes": 2, "vocab_size": 8, "alpha_Z": 0.05, "alpha_X": 0.01},
    "batch_size": 8,
    "block_size": 16,
    "n_embd": 16,
    "n_head": 2,
    "max_iters": 20,
    "eval_interval": 10,
    "eval_iters": 3,
    "learning_rate": 1e-2,
}


def test_gpt_trains_on_it_and_repeats_itself() -> None:
    trial, again = Recorder(), Recorder()
    metrics = gpt.objective(CONFIG, trial)
    assert [step for step, _ in trial.reports] == [10, 20]
    assert metrics["val_loss"] < math.log(8), "less than knowing nothing"
    assert gpt.objective(CONFIG, again)["val_loss"] == metrics["val_loss"]
    assert again.figures == trial.figures


def test_a_training_that_is_stopped_goes_on_with_the_batches_that_it_would_have_seen(tmp_path: Path) -> None:
    config = {**CONFIG, "checkpoint_interval": 1}
    alone = Recorder()
    undisturbed = gpt.objective(config, alone)
    stopped = Recorder(checkpoint_dir=tmp_path)
    stopped.stops_after = 1
    with pytest.raises(optuna.TrialPruned):
        gpt.objective(config, stopped)
    assert [step for step, _ in stopped.reports] == [10]
    assert (tmp_path / "training.pt").is_file()
    resumed = Recorder(checkpoint_dir=tmp_path)
    assert gpt.objective(config, resumed)["val_loss"] == undisturbed["val_loss"]
    assert resumed.figures == alone.figures


def test_batches_are_new_each_iteration_and_functions_of_seed_and_iteration() -> None:
    config = GptConfig.parse(CONFIG)
    data = open_data(config)
    tokens, targets = train_batch(data, config, 1, 5)
    assert tokens.shape == targets.shape == (8, 16) and tokens.dtype == torch.int64
    assert torch.equal(tokens[:, 1:], targets[:, :-1])
    assert torch.equal(tokens, train_batch(open_data(config), config, 1, 5)[0])
    assert len({train_batch(data, config, seed, i)[0].numpy().tobytes() for seed in (1, 2) for i in range(9)}) == 18


def test_val_is_the_same_for_every_trial_and_each_of_its_sequences_is_read_once() -> None:
    config = GptConfig.parse(CONFIG)
    data = open_data(config)
    assert count_val_batches(data, config) == 3
    batches = [val_batch(data, config, index) for index in range(3)]
    read = torch.cat([torch.cat([tokens, targets[:, -1:]], dim=1) for tokens, targets in batches])
    assert np.array_equal(read.numpy(), data.val.reshape(24, 17))
    assert np.array_equal(data.val, open_data(config).val)


def test_the_fingerprint_is_that_of_the_graph_and_its_tables() -> None:
    def of(**changed: Any) -> str:
        return gpt.fingerprint({**CONFIG, "gssm": {**CONFIG["gssm"], **changed}})["data"]  # type: ignore[dict-item]

    assert of() == of(graph_seed=42) == of(states=4)
    assert len({of(), of(graph_seed=43), of(alpha_X=0.02), of(states=3)}) == 4


def test_the_vocabulary_is_that_of_the_graph_unless_the_config_has_a_larger_one() -> None:
    assert gpt.cost({**CONFIG, "vocab_size": 9})["params"] == gpt.cost(CONFIG)["params"] + 16
    assert open_data(GptConfig.parse({"dataset": "gssm", "eval_iters": 1})).vocab_size == 32


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"vocab_size": 7}, "config: vocab_size is 7; dataset 'gssm' has 8 tokens here"),
        ({"gssm": {"graph": 1}}, "config: gssm: unknown key 'graph'; did you mean 'graph_seed'?"),
        ({"gssm": {"graph_seed": -1}}, "config: gssm: graph_seed: -1 is not a whole number from 0 to"),
        ({"gssm": 3}, "config: gssm: 3 is not a mapping; keys are nodes, hidden_nodes, "),
        ({"max_epochs": 2}, "config: max_epochs: dataset 'gssm' has no end, so no epochs; count iterations or tokens"),
        ({"eval_iters": 10**6}, "config: eval_iters batches of dataset 'gssm' have 136,000,000 tokens; 134,217,728"),
    ],
)
def test_what_gpt_cannot_train_on_is_one_line(changed: dict[str, Any], told: str) -> None:
    refusal = gpt.validate({**CONFIG, **changed})
    assert refusal is not None and refusal.startswith(told) and "\n" not in refusal


def test_a_graph_seed_goes_with_a_dataset_only() -> None:
    assert parse_problem({"graph_seed": 7, "states": 2}, "config").graph_seed == 7
    with pytest.raises(UsageError, match="unknown key 'graph_seed'"):
        parse_graph({"graph_seed": 7}, "config")
