"""The shipped data sets with labels, one file for each modality."""
