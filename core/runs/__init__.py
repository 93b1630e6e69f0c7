"""The folder of a finished run: what was learned, saved and loaded without executing code."""
