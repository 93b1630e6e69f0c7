"""Files that nobody should have: mutations of valid ones, and awkward ones that the tests make; each read or named."""
