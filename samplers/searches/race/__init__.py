"""Which candidates get more seeds, and how sure a choice is: pure functions that the searches share.

Read first: rivals.py (what a wrong choice would cost), then purchases.py (who gets seeds) and draws.py (what a
repetition would choose).
"""
