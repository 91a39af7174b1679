"""A document and its renderings: terminal, Markdown, LaTeX, CSV.

Read first: table.py (the data), then terminal.py.
"""
