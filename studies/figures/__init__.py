"""Pictures as data, drawn by plotly or matplotlib.

Read first: picture.py, then study.py (which pictures a study has).
"""
