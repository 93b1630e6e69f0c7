"""Soundscapes mixed from the shipped sounds, with truth."""
