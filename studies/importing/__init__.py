"""Results that were made elsewhere become results of a study, told apart from those that it ran.

Read first: importing.py (the verb), then settling.py (how a result gets into the ledger).
"""
