"""What the searches found, as documents and as JSON: `show`.

Read first: show.py, then the search that is of interest: growth.py, depth.py, grid.py, fit.py.
"""
