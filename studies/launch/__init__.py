"""Workers elsewhere: as a Slurm array, or as Ray tasks.

Read first: launcher.py (what a launcher offers), then slurm.py or ray_cluster.py.
"""
