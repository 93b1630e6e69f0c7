"""The shipped molecules, and which of them are for training, choosing and testing."""
