"""`demo`: a growth of a minute that kills one of its own workers, proves that nothing was lost, and leaves a page.

Read first: demo.py (what happens, in order), then scene.py (where it happens, and how all of it ends).
"""
