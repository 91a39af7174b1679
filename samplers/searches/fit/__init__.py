"""fit: the largest value of one axis that runs.

Read first: fit.py.
"""
