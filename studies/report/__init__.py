"""One page on one study, or on several.

Read first: report.py (the command), chapters.py (a report's content), facts.py (its data).
"""
