"""What is known of the settings of a grid or a tune: which count, how they rank, and which axes matter.

Read first: grid_points.py, then grid_cells.py.
"""
