"""The graph of a source: its nodes and their dependencies, read from a config and checked.

A config gives the nodes one by one,

    nodes:
      - {name: Z1, states: 4, parents: [Z1, X], alpha: 0.125}
      - {name: X, states: 32, parents: [Z1], alpha: 0.001}

or in the short form: `hidden_nodes` nodes Z1, Z2, …, each of which depends on itself and on the token, and a token X
that depends on all of them:

    hidden_nodes: 4       states: 4        of each hidden node
    vocab_size: 32                         states of the token
    alpha_Z: 0.125        alpha_X: 0.001   of the hidden nodes' tables, of the token's

The last node is the token. At each step the nodes take their next states in the order of the list. A node reads the
new state of a parent above it in the list, and the previous state of itself and of a parent below it. So every cycle
goes through time, and every graph is possible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from storage.checks import check_keys, check_whole
from storage.errors import UsageError, nearest

SHORT_KEYS = ("hidden_nodes", "states", "vocab_size", "alpha_X", "alpha_Z")
GRAPH_KEYS = ("nodes", *SHORT_KEYS)
MAX_ENTRIES = 2**26  # of all tables together: 4 bytes each, 8 where states are no power of two
MAX_STATES = 2**16  # a token has two bytes
MAX_NODES = 256
MIN_ALPHA, MAX_ALPHA = 1e-100, 1e100  # far beyond any useful value; further out the logarithms overflow


@dataclass(frozen=True)
class Node:
    """A node and its conditional table: one row of `states` probabilities, drawn from Dirichlet(alpha), for each
    combination of its parents' states. Without parents it has one row."""

    name: str
    states: int
    parents: tuple[str, ...]
    alpha: float


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they take their states; the last one is the token."""

    nodes: tuple[Node, ...]

    @property
    def vocab_size(self) -> int:
        """States of the token."""
        return self.nodes[-1].states

    def rows(self, node: Node) -> int:
        """How many combinations of states a node's parents have."""
        sizes = {each.name: each.states for each in self.nodes}
        return math.prod(sizes[name] for name in node.parents)


@dataclass(frozen=True)
class Problem:
    """One graph with one set of tables, for a model to learn."""

    graph: Graph
    graph_seed: int = 42
    """The seed of the tables, the same for every trial: a dataset's files do not change either."""


def parse_problem(given: object, where: str) -> Problem:
    """Read a graph and its `graph_seed`; raises UsageError as `parse_graph` does."""
    given = _mapping(given, (*GRAPH_KEYS, "graph_seed"), where)
    seed = check_whole(given.pop("graph_seed", Problem.graph_seed), f"{where}: graph_seed", 0, 2**63 - 1)
    return Problem(parse_graph(given, where), seed)


def parse_graph(given: object, where: str) -> Graph:
    """Read the graph of a config. A missing key of the short form has the value shown above.

    Raises:
        UsageError: A key or a parent is unknown, a number is out of range, or the tables would be too large.
    """
    given = _mapping(given, GRAPH_KEYS, where)
    graph = _listed(given, where) if "nodes" in given else _short(given, where)
    entries = sum(graph.rows(node) * node.states for node in graph.nodes)
    if entries > MAX_ENTRIES:
        largest = max(graph.nodes, key=lambda node: graph.rows(node) * node.states)
        raise UsageError(
            f"{where}: the tables would have {_short_number(entries)} entries, {MAX_ENTRIES:,} are allowed;"
            f" the largest is that of {largest.name}: {_short_number(graph.rows(largest))} rows of {largest.states}"
        )
    return graph


def _short(given: Mapping[str, Any], where: str) -> Graph:
    hidden = check_whole(given.get("hidden_nodes", 4), f"{where}: hidden_nodes", 1, MAX_NODES - 1)
    states = check_whole(given.get("states", 4), f"{where}: states", 1, MAX_STATES)
    vocab_size = check_whole(given.get("vocab_size", 32), f"{where}: vocab_size", 1, MAX_STATES)
    alpha_x = _alpha(given.get("alpha_X", 0.001), "alpha_X", where)
    alpha_z = _alpha(given.get("alpha_Z", 0.125), "alpha_Z", where)
    names = [f"Z{number}" for number in range(1, hidden + 1)]
    nodes = [Node(name, states, (name, "X"), alpha_z) for name in names]
    return Graph((*nodes, Node("X", vocab_size, tuple(names), alpha_x)))


def _listed(given: Mapping[str, Any], where: str) -> Graph:
    beside = next((key for key in SHORT_KEYS if key in given), None)
    if beside is not None:
        raise UsageError(f"{where}: {beside} belongs to the short form; with nodes, give it in each node")
    listed = given["nodes"]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_NODES:
        raise UsageError(f"{where}: nodes is {_shown(listed)}; a list of 1 to {MAX_NODES} nodes is needed")
    nodes = [_node(each, f"{where}: nodes[{index}]") for index, each in enumerate(listed)]
    names = [node.name for node in nodes]
    for index, node in enumerate(nodes):
        here = f"{where}: nodes[{index}] ({node.name})"
        if node.name in names[:index]:
            raise UsageError(f"{here}: a node above has the same name")
        for place, parent in enumerate(node.parents):
            if parent not in names:
                raise UsageError(f"{here}: parents: there is no node {parent!r}{nearest(parent, names)}")
            if parent in node.parents[:place]:
                raise UsageError(f"{here}: parents: {parent!r} is named twice")
    return Graph(tuple(nodes))


def _node(given: object, where: str) -> Node:
    keys = [each.name for each in fields(Node)]
    node = _mapping(given, keys, where)
    for key in keys:
        if key not in node:
            raise UsageError(f"{where}: {key} is missing")
    name, parents = node["name"], node["parents"]
    if not isinstance(name, str) or not name:
        raise UsageError(f"{where}: name is {_shown(name)}; a text is needed")
    if not isinstance(parents, list | tuple) or not all(isinstance(each, str) for each in parents):
        raise UsageError(f"{where}: parents is {_shown(parents)}; a list of names is needed")
    states = check_whole(node["states"], f"{where}: states", 1, MAX_STATES)
    return Node(name, states, tuple(parents), _alpha(node["alpha"], "alpha", where))


def _alpha(value: object, key: str, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not MIN_ALPHA <= value <= MAX_ALPHA:
        raise UsageError(f"{where}: {key} is {_shown(value)}; a number from {MIN_ALPHA:g} to {MAX_ALPHA:g} is needed")
    return float(value)


def _mapping(given: object, allowed: tuple[str, ...] | list[str], where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: {_shown(given)} is not a mapping; keys are {', '.join(allowed)}")
    check_keys(given, allowed, where)
    return dict(given)


def _shown(value: object) -> str:
    """A value for a message, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _short_number(number: int) -> str:
    return f"{number:,}" if number < 10**12 else f"about 10^{len(str(number)) - 1}"


SMALL = Problem(parse_graph({}, "gssm"))
"""The problem of an empty config."""
