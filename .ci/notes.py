"""Release notes: what CHANGELOG.md says of one version, `python .ci/notes.py 0.2.0`."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(changelog: str, version: str) -> str:
    """The section of a version.

    Raises:
        ValueError: if there is none, or nothing stands in it.
    """
    _, found, after = changelog.partition(f"\n## [{version}]")
    section = after.partition("\n## [")[0].partition("\n")[2].strip()
    if not found or not section:
        raise ValueError(f"CHANGELOG.md has no section [{version}]; name the part [Unreleased] after the version first")
    return section


def main() -> None:
    """Print them; the version must be that of the package."""
    version = sys.argv[1]
    own = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if version != own:
        raise ValueError(f"the tag says {version} and pyproject.toml says {own}")
    print(notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version))


if __name__ == "__main__":
    main()
