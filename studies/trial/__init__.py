"""One trial with all that it left, and what went wrong in all of them.

Read first: story.py, then logs.py.
"""
