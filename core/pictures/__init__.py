"""Files of pictures, read by one reader for every modality that has any."""
