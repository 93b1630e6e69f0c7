"""Scenes of clothing on photographs, and sentences that say what is to be seen in them, with truth."""
