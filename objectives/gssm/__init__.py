"""`gssm`, a graph-structured sequence source: random text of a known structure, whose tables set its difficulty.

graph.py    the nodes and their dependencies, read from a config
source.py   the tables of a graph, and tokens drawn from them
"""
