"""Losses on plain tensors, for any training loop; objectives are thin over them."""
