"""The certificate of a study with its seal, and its decisions derived again.

Read first: audit.py, then evidence.py, states.py, chain.py and seal.py; replay.py.
"""
