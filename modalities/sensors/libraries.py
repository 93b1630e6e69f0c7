"""Libraries that are loaded where a file needs them."""

import importlib
from typing import Any


def library(name: str) -> Any:
    """A library by its name.

    Raises:
        ImportError: if it is not installed, with what installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"such files need the library {name}: pip install 'gestalt-ssl[sensors]'") from error
