"""Gestalt discovers objects in any kind of data while it learns to represent them."""

from importlib.metadata import version as _version

try:
    import gestalt.core as core
except ModuleNotFoundError as error:  # a checkout whose symbolic links became text files
    raise ImportError(
        "gestalt.core is missing. On Windows, clone with symbolic links: git clone -c core.symlinks=true …"
    ) from error

from gestalt.core.runs.saving import load

__version__ = _version("gestalt-ssl")
__all__ = ["__version__", "core", "load"]
