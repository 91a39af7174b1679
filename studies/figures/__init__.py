"""Pictures as data: what each search has to show.

Read first: picture.py (a figure as data), study.py (which figures a study has).
"""
