"""Pictures drawn: by plotly for a browser, by matplotlib for paper.

Read first: drawn_by_plotly.py (the JSON that a page and the dashboard read).
"""
