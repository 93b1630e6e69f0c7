"""The recipe `video-objects`: discover the things that move in videos, without labels."""
