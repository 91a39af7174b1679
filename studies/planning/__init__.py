"""What a study does next: the search is asked, its decision is recorded, its points are planned.

Read first: planner.py (one planning transaction), chooser.py (choices that take seconds are made outside it).
"""
