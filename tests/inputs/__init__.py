"""What people have: scripts, outputs, result files, YAML, URLs; each with the value that has to arrive."""
