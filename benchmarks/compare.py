"""Which ratios became worse from one version to another: `python -m benchmarks.compare --help`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import tyro

from benchmarks.__main__ import NAMES, Name


@final
@dataclass(frozen=True)
class Options:
    """Compare two versions by the ratios of `python -m benchmarks`; ends with 1 where one became worse.

    A version is a folder that such a run wrote, or a commit, which is checked out aside and measured now. Ratios are
    taken within one run, so that versions compare although the machine is not equally fast at two times.
    """

    old: Annotated[str, tyro.conf.Positional]
    """A folder or a commit."""
    new: Annotated[str, tyro.conf.Positional]
    """Another one."""
    beyond: float = 0.1
    """By which share a ratio may grow."""
    only: tuple[Name, ...] = NAMES
    """Which measurements are made of a commit."""


def main(options: Options) -> int:
    """Print every ratio of both, and how many are worse."""
    old, new = (ratios(version, options.only) for version in (options.old, options.new))
    worse = grown(old, new, options.beyond)
    print(f"| ratio, the smaller the better | {options.old} | {options.new} | |\n| --- | --- | --- | --- |")
    for name in sorted(old.keys() | new.keys()):
        shown = [f"{version[name]:.2f}" if name in version else "" for version in (old, new)]
        print(f"| {name} | {shown[0]} | {shown[1]} | {'worse' if name in worse else ''} |")
    if missing := sorted(old.keys() - new.keys()):
        print(f"not measured any more: {', '.join(missing)}", file=sys.stderr)
    return int(bool(worse or missing))


def grown(old: Mapping[str, float], new: Mapping[str, float], beyond: float) -> list[str]:
    """The ratios of both that are larger in the new by more than that share."""
    return [name for name, ratio in new.items() if name in old and ratio > old[name] * (1 + beyond)]


def ratios(version: str, only: tuple[Name, ...]) -> dict[str, float]:
    """What a folder holds, or what a commit has.

    Raises:
        SystemExit: if it is neither, or holds no numbers.
    """
    if Path(version).is_dir():
        return read(Path(version))
    with tempfile.TemporaryDirectory() as folder:
        tree, out = Path(folder, "tree"), Path(folder, "out")
        added = subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", str(tree), version],
            check=False,
            capture_output=True,
            text=True,
        )
        if added.returncode:
            raise SystemExit(f"{version} is neither a folder nor a commit: {added.stderr.strip()}")
        try:
            environment = os.environ | {"PYTHONPATH": f"{tree}{os.pathsep}{tree / 'src'}"}
            command = [sys.executable, "-m", "benchmarks", "--out", str(out), "--only", *only]
            subprocess.run(command, cwd=tree, env=environment, check=False)
            return read(out)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], check=True)


def read(folder: Path) -> dict[str, float]:
    """The ratios in all files of a folder.

    Raises:
        SystemExit: if there are none.
    """
    found: dict[str, float] = {}
    for file in sorted(folder.glob("*.json")):
        kept = json.loads(file.read_text(encoding="utf-8")).get("ratios", {})
        found |= {f"{file.stem}: {name}": float(ratio) for name, ratio in kept.items()}
    if not found:
        raise SystemExit(f"{folder} holds no ratios; `python -m benchmarks --out {folder}` measures them")
    return found


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
