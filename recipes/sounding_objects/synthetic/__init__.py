"""Clips of clothing that moves and sounds, composed with truth."""
