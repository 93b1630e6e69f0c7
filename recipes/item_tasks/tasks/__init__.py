"""The downstream tasks, one file for each kind of data."""
