"""What a study is: its definition as YAML, what may change in it, its units, and whose code it runs.

Read first: definition.py (the frozen dataclass), then searches.py (from a definition to its search).
"""
