"""What steps, groupings, reading and long items cost: `python -m benchmarks.steps`, `.groupers`, `.modalities`."""
