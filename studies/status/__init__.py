"""Where studies stand, once or watched.

Read first: status.py, then watch.py.
"""
