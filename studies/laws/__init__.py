"""Fitted laws, and how far to trust them.

Read first: laws.py (the forms and their fits), then lawfulness.py (when a fit is a law).
"""
