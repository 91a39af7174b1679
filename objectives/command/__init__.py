"""Anyone's script as an objective: what it is told, and how its metrics are read.

Read first: command.py (the definition's block), then run.py (one attempt).
"""
