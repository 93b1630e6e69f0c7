"""Training: the written-out loop, and what makes it safe to stop, resume and watch."""
