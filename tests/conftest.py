"""For all tests."""

import torch

# The tensors of the tests are tiny: several threads would only wait for one another.
torch.set_num_threads(1)

collect_ignore = ["extension_package"]
"""A distribution of its own, imported by its own name."""
