"""The recipe `item-tasks`: downstream tasks with exact truth, and what pre-training is worth in each."""
