"""The laws of the house, over everything in it."""
