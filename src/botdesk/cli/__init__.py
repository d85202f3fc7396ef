"""The command line: the TUI's twin for scripts, one module a noun."""
