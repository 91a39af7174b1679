"""`init`: a starter definition from a training script's own flags.

Read first: init.py (from the command to the file), then choices.py (what a script's flags lead to).
"""
