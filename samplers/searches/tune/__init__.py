"""tune: settings chosen one after another by an Optuna sampler.

Read first: tune.py (the decisions), choice.py (one choice), past.py (what a choice is made from), race.py (more seeds
for the best settings).
"""
