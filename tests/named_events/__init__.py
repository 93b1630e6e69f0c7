"""The table of types."""
