"""One page on one study, or on several.

Read first: report.py (the command), chapters.py (what a report says), facts.py (what it is made from).
"""
