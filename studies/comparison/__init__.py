"""Studies beside each other: settings matched, paired differences over common seeds; paths of growths, step by step.

Read first: matching.py, then compare.py.
"""
