"""Things that move and sound, discovered in clips with their sound."""
