"""The command line: options with the names that they have in Python, and one function per command."""
