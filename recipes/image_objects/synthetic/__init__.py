"""Scenes of clothing on photographs, composed with truth."""
