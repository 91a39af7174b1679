"""Any script as an objective: how it is started, and how its metrics are read.

Read first: command.py (the definition's block), then run.py (one attempt), readers.py and numbers.py (its metrics).
"""
