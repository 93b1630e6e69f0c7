"""Masked prediction: some elements are hidden, and what they are is predicted from the others."""
