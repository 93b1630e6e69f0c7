"""One short script per use: a typed configuration, the composition, the result."""

if __name__ == "recipes":
    raise ImportError(
        "'recipes' was imported as a top-level package, which would make a second copy of every class. "
        "Import 'gestalt.recipes' instead (install the project first: pip install -e .)."
    )
