"""The terminal program's dialogs."""
