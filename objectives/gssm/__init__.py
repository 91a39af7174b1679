"""`gssm`, a graph-structured sequence source: text of a known structure, as hard or easy as its tables are made.

graph.py    which node depends on which, read from a config
source.py   the tables of a graph, and tokens drawn from them
"""
