"""An environment of its own that has the wheel and the libraries of some extras, and no other library."""

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def called(*words: str | Path, cwd: Path) -> str:
    """What a command says; it must end well, and sees nothing of the checkout."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def installed(wheel: Path, extras: Iterable[str], folder: Path) -> Path:
    """The scripts of a new environment, made as `pip install "gestalt-ssl[…]"` makes it, but for what pip would fetch.

    The libraries are those of this environment, linked one by one: what the extras do not ask for cannot be imported,
    and an editable install is not followed.
    """
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    inside = {"base": str(folder), "platbase": str(folder)}
    own, scripts = (Path(sysconfig.get_path(name, "venv", inside)) for name in ("purelib", "scripts"))
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "-q", "--no-deps", "--no-index")
    called(*pip, wheel, cwd=folder)
    (mine,) = importlib.metadata.distributions(path=[str(own)])
    for library in _needed(mine, frozenset(extras)):
        for name in {file.parts[0] for file in library.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (own / name).exists():  # parts of one namespace are one folder
                (own / name).symlink_to(Path(str(library.locate_file(name))))
    return scripts


def _needed(
    distribution: importlib.metadata.Distribution, extras: frozenset[str]
) -> Iterator[importlib.metadata.Distribution]:
    """The installed libraries that a distribution asks for with its extras, and those that they ask for."""
    seen, waiting = {(distribution.name, "")}, [(distribution, extra) for extra in ("", *extras)]
    while waiting:
        asking, extra = waiting.pop()
        for text in asking.requires or ():
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            same = canonicalize_name(wanted.name) == canonicalize_name(distribution.name)
            found = distribution if same else importlib.metadata.distribution(wanted.name)
            new = [one for one in ("", *wanted.extras) if (found.name, one) not in seen]
            seen |= {(found.name, one) for one in new}
            waiting += [(found, one) for one in new]
            if "" in new:
                yield found
