"""Optimisers, learning-rate schedules, and how far training has come."""
