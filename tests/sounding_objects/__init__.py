"""The recipe sounding-objects."""
