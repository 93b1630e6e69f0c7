"""The model card: what was exported, what it was trained on and how, its numbers, its licence, how it is loaded."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..evaluation.table import Table
from ..evaluation.table_text import to_markdown
from ..runs.config import RunConfig
from ..storage.damage import json_of
from ..storage.names_of_runs import OPTIONS, RECORD
from .base import Trained, Written

CARD = "README.md"
PLACES = frozenset({"out", "data", "masks", "labels", "checkpoint", "source", "folder", "path"})
"""Options and settings that name files and folders: a relative name looks like any other word."""
UNKNOWN_LICENCE = (
    "Nobody has said under which licence these weights may be used; the data that they were trained on may set terms. "
    "Whoever trained them says so with `--licence`."
)


def card(trained: Trained, to: str, written: Written, licence: str | None) -> str:
    """The text of `README.md`.

    Args:
        trained: what was exported.
        to: the name of the format.
        written: what the export said.
        licence: of the weights, a name or a text; None where nobody said.
    """
    config = None if trained.run is None else RunConfig.read(trained.run)
    name = type(trained.encoder).__name__ if config is None else str(config.encoder["name"])
    front = ["---", "library_name: gestalt-ssl", f"tags: [{trained.modality.name}, self-supervised]"]
    front += [] if licence is None else [f"license: {json.dumps(licence)}"]
    blocks = [
        "\n".join([*front, "---"]),
        f"# {name}, an encoder of {trained.modality.name}",
        f"One vector of {trained.encoder.dim} numbers for every {trained.modality.element}, learned with "
        f"Gestalt (`gestalt-ssl`); written by `gestalt export … --to {to}`.",
        f"## Use\n\n```python\n{written.loading}\n```",
        *(["\n".join(f"- **{key}**: {text}" for key, text in written.facts.items())] if written.facts else []),
        *(() if config is None or trained.run is None else _of_run(trained.run, config)),
        f"## Licence\n\n{licence or UNKNOWN_LICENCE}",
    ]
    return "\n\n".join(blocks) + "\n"


def _of_run(run: Path, config: RunConfig) -> Iterator[str]:
    """Data, method, numbers and options, as far as the folder of the run holds them."""
    data = _found(run / RECORD)
    if data is not None:
        files = f" in {data['files']} files" if data.get("files") else ""
        yield f"## Data\n\n{data.get('items')} items{files}."
    elif config.recipe is not None:
        yield f"## Data\n\nThe data of the recipe `{config.recipe}`."
    if config.method is not None:
        yield f"## Method\n\n{_block(_without_places(config.method))}"
    yield f"## Encoder\n\n{_block(_without_places(config.encoder))}"
    if (run / "table.json").is_file():
        yield f"## Numbers\n\n{to_markdown(Table.from_json((run / 'table.json').read_text(encoding='utf-8')))}"
    else:
        yield "## Numbers\n\nThe run measured nothing; `gestalt evaluate` scores it by labelled data."
    options = _found(run / OPTIONS)
    if options is not None:
        command = "gestalt.train" if config.recipe is None else f"gestalt run {config.recipe}"
        yield f"## Command\n\n`{command}` with these options:\n\n{_block(_without_places(options))}"


def _without_places(options: Any) -> Any:
    """Options or settings without names of files and folders: where they lay says nothing to others."""
    if isinstance(options, Mapping):
        return {name: _hidden(value) if name in PLACES else _without_places(value) for name, value in options.items()}
    if isinstance(options, list):
        return [_without_places(value) for value in options]
    return "…" if isinstance(options, str) and ("/" in options or "\\" in options) else options


def _hidden(value: Any) -> Any:
    """A value, or several, that names a place whatever it looks like; numbers and what is not given are none."""
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return "…" if isinstance(value, str) else _without_places(value)


def _block(content: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(content, indent=1, ensure_ascii=False)}\n```"


def _found(path: Path) -> Mapping[str, Any] | None:
    return json_of(path) if path.is_file() else None
