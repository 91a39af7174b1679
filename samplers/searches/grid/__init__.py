"""grid: axes × seeds.

Read first: grid.py (batches), settings.py (the block), axes.py (the values of an axis).
"""
