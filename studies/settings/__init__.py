"""What is known of the settings of a grid or a tune: which count, which lead, and which axes matter.

Read first: grid_points.py.
"""
