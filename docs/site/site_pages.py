"""Which files the site shows, and its navigation: the repository as it lies, and the reference of the public names."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SHOWN = ("*.md", "docs/**/*", "modalities/*/README.md")
HIDDEN = (".py", ".pyc", ".css")
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LOSS = re.compile(r"^from \.(\w+) import (\w+) as", re.MULTILINE)
PUBLIC = re.compile(r"^from \.(\S+) import (\w+) as \2$", re.MULTILINE)


def pages(root: Path = ROOT) -> list[str]:
    """The pages of Markdown, as they lie in the repository."""
    return [name for name in files(root) if name.endswith(".md")]


def files(root: Path = ROOT) -> list[str]:
    """All files of the site: pages, pictures, and every file of the repository to which a page links."""
    found = {path for pattern in SHOWN for path in root.glob(pattern) if path.is_file() and path.suffix not in HIDDEN}
    linked = {target for page in found if page.suffix == ".md" for target in linked_files(page)}
    return sorted(path.resolve().relative_to(root.resolve()).as_posix() for path in found | linked)


def linked_files(page: Path) -> Iterator[Path]:
    """The files to which a page links relatively; code is no text."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    for target in LINK.findall(text):
        if "://" not in target and (path := (page.parent / target).resolve()).is_file():
            yield path


def title_of(page: Path) -> str:
    """The first heading of a page."""
    heading = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return heading[1] if heading else page.stem


def navigation(entries: Any, available: Sequence[str], title: Callable[[str], str]) -> Any:
    """The navigation with every pattern in the place of which all pages stand that no other entry takes.

    Raises:
        ValueError: if some page is taken by no entry.
    """
    left = [page for page in available if page not in set(_leaves(entries))]

    def taken(pattern: str) -> list[str]:
        # No * of a pattern goes over a /: the folder below is another section.
        shape = re.compile("[^/]*".join(map(re.escape, pattern.split("*"))))
        found = sorted((page for page in left if shape.fullmatch(page)), key=lambda page: title(page).lower())
        left[:] = [page for page in left if page not in found]
        return found

    filled = _filled(entries, taken)
    if left:
        raise ValueError(
            f"pages that no entry of the navigation takes: {', '.join(left)}: add them to `nav` in mkdocs.yml"
        )
    return filled


def _leaves(entry: Any) -> Iterator[str]:
    for inner in entry.values() if isinstance(entry, dict) else entry:
        yield from [inner] if isinstance(inner, str) else _leaves(inner)


def _filled(entry: Any, taken: Callable[[str], list[str]]) -> Any:
    """An entry with its patterns filled in; a section of which nothing is left is left out."""
    if isinstance(entry, dict):
        return {name: inner for name, given in entry.items() if (inner := _filled(given, taken))}
    if isinstance(entry, str):
        return taken(entry) if "*" in entry else entry
    filled: list[Any] = []
    for inner in entry:
        made = _filled(inner, taken)
        filled.extend(made if isinstance(inner, str) and isinstance(made, list) else [made] if made else [])
    return filled


def reference(root: Path = ROOT) -> dict[str, str]:
    """The pages of the reference: public names by the folder in which they are defined, and the optional protocols."""
    package = root / "src" / "gestalt"
    named: dict[str, list[str]] = {}
    for module, name in PUBLIC.findall((package / "__init__.pyi").read_text(encoding="utf-8")):
        parts = module.split(".")[: 1 if module.startswith("recipes.") else 3]
        folder = parts if package.joinpath(*parts).is_dir() else parts[:2]
        named.setdefault(".".join(folder), []).append(f"gestalt.{name}")
    # A loss has the name of its file, so it is named where it is defined.
    losses = LOSS.findall((package / "core" / "losses" / "__init__.py").read_text(encoding="utf-8"))
    public = set(re.findall(r"import (\w+) as", (package / "losses.py").read_text(encoding="utf-8")))
    named["core.losses"] = [f"gestalt.core.losses.{module}.{name}" for module, name in losses if name in public]
    named["core.modality.optional"] = _classes(package / "core" / "modality" / "optional")
    named["core.conformance"] = ["gestalt.core.conformance.check"]
    return {_address(folder): _reference_page(package, folder, names) for folder, names in named.items()}


def _classes(folder: Path) -> list[str]:
    found = [
        (name, module.stem)
        for module in folder.glob("*.py")
        for name in re.findall(r"^class (\w+)", module.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return [f"gestalt.core.modality.{folder.name}.{module}.{name}" for name, module in sorted(found)]


def _address(folder: str) -> str:
    return f"api/{folder.removeprefix('core.').replace('.', '-')}.md"


def _reference_page(package: Path, folder: str, names: Sequence[str]) -> str:
    place = package.joinpath(*folder.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    said = re.match(r'"""(.*?)(?:\n\n|""")', source.read_text(encoding="utf-8"), re.DOTALL)
    title = folder.removeprefix("core.").replace("_", " ").replace(".", ": ").capitalize()
    return "\n\n".join([f"# {title}", said[1] if said else "", *(f"::: {name}" for name in names)]) + "\n"
