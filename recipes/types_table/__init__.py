"""Types that are found without labels, against the true names of sounds: every way to cluster, beside baselines."""
