"""How docstrings are read for the reference."""

import sys
from pathlib import Path
from typing import Any, final

import griffe

sys.path.insert(0, str(Path(__file__).parent))
from plain_text import as_markdown


@final
class Docstrings(griffe.Extension):
    """Plain text is shown as it stands."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Write the docstring of one object as Markdown."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
