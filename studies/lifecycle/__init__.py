"""Begin, change, preview, launch, retry, stop: what the verbs do to a study.

Read first: run.py (from the command line to a worker), then open.py (the study made or brought up to date).
"""
