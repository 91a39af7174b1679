"""What the shell offers at <TAB>.

Read first: offers.py; scripts.py is what a shell loads.
"""
