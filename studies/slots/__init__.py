"""Where a trial may run: GPUs, shares of them, CPU threads, and the leases that keep two studies apart.

Read first: slot.py, then leases.py (the lock on a GPU).
"""
