"""What all modalities share: views, correspondence, segmentations, groupers, objectives, training, evaluation."""

if __name__ == "core":
    raise ImportError(
        "'core' was imported as a top-level package, which would make a second copy of every class. "
        "Import 'gestalt.core' instead (install the project first: pip install -e .)."
    )
