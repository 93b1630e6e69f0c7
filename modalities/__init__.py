"""The modalities that ship with Gestalt, one package each."""

if __name__ == "modalities":
    raise ImportError(
        "'modalities' was imported as a top-level package, which would make a second copy of every class. "
        "Import 'gestalt.modalities' instead (install the project first: pip install -e .)."
    )
