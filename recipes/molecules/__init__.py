"""The recipe `molecules`: discover the parts of molecules, and learn to represent them, without labels."""
