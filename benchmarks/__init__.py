"""What a training step and a grouping cost; `python -m benchmarks.steps`, `python -m benchmarks.groupers`."""
