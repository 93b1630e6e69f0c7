"""The pages of the documentation, and what of them is code."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUG_INS = ROOT / "docs" / "plug-ins"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "plug-ins" not in path.parts]
START = sorted((ROOT / "docs" / "start").glob("*.md"))
"""Pages whose commands and code need files: they are run by `test_start.py`."""
STORY = ROOT / "docs" / "end-to-end.md"
"""A page whose code goes on from its commands: it is run by `test_end_to_end.py`."""
LINKED = [*PAGES, *sorted(ROOT.glob("*.md")), *sorted((ROOT / "modalities").glob("*/README.md"))]
PRESENT = [page for page in LINKED if page.name != "CHANGELOG.md"]
"""Pages that describe the package as it is, not as it was."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]


def targets(page: Path) -> Iterator[str]:
    """Where the relative links of a page lead; code is no text."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (link for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)) if "://" not in link)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def inline(page: Path) -> Iterator[str]:
    """The inline code of a page."""
    yield from INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
