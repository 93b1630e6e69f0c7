"""The recipe `image-objects`: discover objects in pictures, without labels."""
