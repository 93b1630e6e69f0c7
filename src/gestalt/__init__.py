"""Gestalt discovers objects in any data type while it learns to represent them, without labels or with a few.

Everything that the documentation uses is here by its name, and is imported when it is first used: `gestalt.Odin`,
`gestalt.train`, `gestalt.load`, `gestalt.losses.info_nce`, … `dir(gestalt)` lists all names.
"""

from importlib.metadata import version as _version
from pathlib import Path as _Path

import lazy_loader as _lazy

if not (_Path(__file__).parent / "core").is_dir():  # a checkout whose symbolic links became text files
    raise ImportError(
        "gestalt.core is missing. On Windows, clone with symbolic links: git clone -c core.symlinks=true …"
    )

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
__version__ = _version("gestalt-ssl")
