"""Encoders, heads, normalisation, and the networks that follow the trained one (EMA teachers)."""
