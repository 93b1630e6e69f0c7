"""The recipe `single-item`: what can be learned from one picture, one recording or one molecule, and its views."""
