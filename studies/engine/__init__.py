"""The worker: claim, start, follow, finish, plan.

Read first: worker.py (one turn of its loop), planner.py (one planning transaction), policy.py (what an end leads to).
"""
