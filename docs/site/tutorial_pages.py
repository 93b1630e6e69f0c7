"""Which tutorials there are, and what of their outputs a page shows."""

import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tutorials"
BAR = re.compile(r"\d+% ?\|")


def tutorials() -> dict[str, Path]:
    """The files of Python by the page that each becomes."""
    return {f"docs/tutorials/{path.stem}.md": path for path in sorted(FOLDER.glob("*.py"))}


def title_of(path: Path) -> str:
    """The heading with which a tutorial begins.

    Raises:
        ValueError: if it begins otherwise.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines[:1] != ["# %% [markdown]"] or not lines[1].startswith("# # "):
        raise ValueError(f"{path.name} must begin with a cell of text, `# %% [markdown]`, and a heading, `# # …`")
    return lines[1].removeprefix("# # ")


def shown(output: Any) -> Any:
    """An output as the page has it: of a stream the lines that were said, without progress bars; None for nothing."""
    if output["output_type"] != "stream":
        return output
    lines = [line.split("\r")[-1].rstrip() for line in output["text"].splitlines()]
    output["text"] = "".join(f"{line}\n" for line in lines if line and not BAR.search(line))
    return output if output["text"] else None
