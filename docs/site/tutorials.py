"""Tutorials, files of Python with text between, run while the site is built: pages with what came out."""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import final

import jupytext
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import MarkdownExporter
from tutorial_pages import FOLDER, shown

LONGEST = 300
"""Seconds that one cell may take."""


@final
class TutorialFailed(RuntimeError):
    """A cell of a tutorial that raised."""


@cache
def run(path: Path) -> tuple[str, dict[str, bytes]]:
    """A tutorial as Markdown, and its pictures by name; it is run in an empty folder.

    Raises:
        TutorialFailed: with the cell and what it raised.
    """
    notebook = jupytext.read(path, fmt="py:percent")
    modules = (str(FOLDER.parent / "plug-ins"), *filter(None, [os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=LONGEST, kernel_name="python3", resources=place)
        try:
            client.execute(env={**os.environ, "PYTHONPATH": os.pathsep.join(modules), "PYTHONWARNINGS": "ignore"})
        except CellExecutionError as error:
            raise TutorialFailed(f"{path.name}: {error}") from error
    for cell in notebook.cells:
        cell["outputs"] = [one for output in cell.get("outputs", ()) if (one := shown(output))]
    body, resources = MarkdownExporter().from_notebook_node(notebook, {"unique_key": path.stem})
    return body, dict(resources.get("outputs", {}))
