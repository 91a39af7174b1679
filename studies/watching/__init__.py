"""`status --watch`: what is read, what is seen of it, and the terminal that it is shown on."""
