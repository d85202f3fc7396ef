"""What is measured, each by a script of its own that prints a table with ratios."""
