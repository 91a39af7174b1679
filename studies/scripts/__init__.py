"""A training script as its text and its `--help` show it: its parser, its flags, the metrics that it prints.

Read first: source.py (the text, which is never run), then help_flags.py (what `--help` prints).
"""
