"""From features to objects: groupers, background removal, and the segmenters that decide what is compared."""
