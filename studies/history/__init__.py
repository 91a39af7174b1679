"""What has happened in a study, as typed facts in one vocabulary: purposes, states, counts, decisions.

Read first: purpose.py (what a trial is for), state.py (where a study stands), decisions.py (which decisions stand).
"""
