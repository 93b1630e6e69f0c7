"""Laws over every implementation."""
