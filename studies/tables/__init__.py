"""A result table as one value, and what it is written as: the terminal's text, Markdown, LaTeX, CSV."""
