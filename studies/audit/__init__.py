"""The certificate of a study, and its decisions derived again.

Read first: audit.py, then replay.py.
"""
