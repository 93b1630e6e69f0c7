"""What a data type supplies to plug in (items, transforms, encoders, pictures), and helpers that modalities share."""
