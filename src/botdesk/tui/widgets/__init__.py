"""The terminal program's widgets."""
