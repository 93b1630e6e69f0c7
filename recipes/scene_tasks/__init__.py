"""The program `scene-tasks`: what pre-training is worth for segmentation, instances, depth and keypoints of scenes."""
