"""How an attempt runs: a process of its own, forked from a warm server, that ends with its worker.

Read first: attempt.py (the worker's side), then trial.py (the process itself).
"""
