"""Files for other programs.

Read first: export.py (the formats of each search).
"""
