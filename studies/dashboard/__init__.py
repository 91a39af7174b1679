"""What optuna-dashboard shows of a study beyond its own pages: note, figures, artifacts.

Read first: note.py (the text), scribe.py (who writes it), serve.py (the dashboard itself).
"""
