"""depth: how many layers come closest to a target.

Read first: depth.py (which counts are asked for), then closest.py (the search on one line of counts).
"""
