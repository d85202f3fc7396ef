"""The terminal program's screens."""
