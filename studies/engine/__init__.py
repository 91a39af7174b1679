"""The worker: claim, start, follow, finish, plan.

Read first: worker.py (one turn of its loop), next_points.py (what it plans), policy.py (what an end leads to).
"""
