"""What a study has found, in a sentence or two; and why it has not.

Read first: answer.py.
"""
