"""The searches: pure functions from history to points.

Read first: plan.py (the protocol), then the search that is of interest: growth/, depth/, grid/, fit/, tune/.
"""
