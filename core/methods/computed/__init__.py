"""Computed targets: a network learns to predict what can be computed from an item, or from its elements."""
