"""grow: which hyperparameter to grow next.

Read first: growth.py (rounds and the ranking of candidates), then candidates.py.
"""
