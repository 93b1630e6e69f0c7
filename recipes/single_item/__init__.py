"""The recipe `single-item`: what can be learned from one photograph and its views."""
