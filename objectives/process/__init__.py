"""How an attempt runs: in a process of its own that is forked from a warm server and ends with its worker.

Read first: attempt.py (the worker's side), then trial.py (the process itself).
"""
