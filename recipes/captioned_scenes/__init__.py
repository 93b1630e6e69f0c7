"""The recipe `captioned-scenes`: discover what belongs together in pictures and their captions, without labels."""
