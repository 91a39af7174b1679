"""How a run ends: what is printed below the result, and the notice that `--notify` asks for.

Read first: summary.py.
"""
