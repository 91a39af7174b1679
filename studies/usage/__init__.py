"""What `--help` prints beyond each option's own line: groups of options, and two examples a verb.

Read first: verbs.py.
"""
