"""The recipe `objects`: discover objects in your own data of any modality, without labels; also from Python."""
