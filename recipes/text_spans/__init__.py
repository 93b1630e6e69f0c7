"""The recipe `text-spans`: discover groups of words in text, without labels."""
