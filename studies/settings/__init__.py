"""What is known of the settings of a grid or a tune: which count, how they rank, and which axes matter.

Read first: grid_cells.py (a setting with its seeds, and how settings rank).
"""
