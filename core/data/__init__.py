"""What flows through a training step: feature maps, correspondences, segmentations, views, in frozen dataclasses."""
