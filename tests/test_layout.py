"""How the code is laid out: imports go one way, classes are abstract or final, only `gestalt` is installed."""

import abc
import ast
import dataclasses
import functools
import importlib
import inspect
import pkgutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType
from typing import Protocol

import pytest

import gestalt
from gestalt.core.components.registry import MODALITIES

ROOT = Path(__file__).parents[1]
MADE_BY_DATACLASSES = ("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__")
FOLDERS = ("core", "modalities", "recipes")
LIBRARIES_OF_METHODS = {"torch", "einops", "jaxtyping", "numpy", "safetensors"}
PACKAGES_WITH_MORE = {
    "training",
    "evaluation",
    "report",
    "experiment",
    "runs",
    "search",
    "exports",
    "pictures",
    "shards",
}
LIBRARIES_OF_MODALITIES = [
    "torchaudio",
    "torchvision",
    "transformers",
    "audiomentations",
    "soundfile",
    "av",
    "scipy",
    "PIL",
    "librosa",
    "nlpaug",
    "torch_geometric",
    "rdkit",
    "laspy",
]


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """What a file consists of."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, relative ones by their full name, as they are below the root."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).parent.parts
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            assert name, f"{path} climbs out of its top folder"
            if node.module:  # `from . import file` imports the file, not its package
                yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def every(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every import of these files. One test looks at all of them: as many tests as files would take minutes."""
    assert len(paths) > 50
    for path in paths:
        yield from ((path, module) for module in imported(path))


def test_core_knows_no_modality_and_no_recipe() -> None:
    others = ("gestalt.modalities", "gestalt.recipes", "modalities", "recipes")
    assert [
        f"{named(path)}: {module}"
        for path, module in every(files("core"))
        if any(below(module, folder) for folder in others)
    ] == []


def test_a_modality_knows_no_recipe_and_no_other_modality() -> None:
    found = []
    for path, module in every(files("modalities")):
        own = path.relative_to(ROOT / "modalities").parts[0]
        another = [
            folder
            for folder in ("gestalt.modalities", "modalities")
            if below(module, folder) and module != folder and module.removeprefix(f"{folder}.").split(".")[0] != own
        ]
        if below(module, "gestalt.recipes") or another:
            found.append(f"{named(path)}: {module}")
    assert found == []


def test_core_names_no_modality() -> None:
    """Not even in a text that it could compare with: what differs between modalities is theirs to say."""
    modalities = MODALITIES.points().keys()
    assert [
        f"{named(path)}: {node.value}"
        for path in files("core")
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in modalities
    ] == []


def test_imports_are_relative_inside_a_top_folder_and_absolute_across() -> None:
    """Otherwise editors see every class twice."""
    found = []
    for path, module in every(files(*FOLDERS)):
        own = path.relative_to(ROOT).parts[0]
        others = [folder for folder in FOLDERS if folder != own and below(module, folder)]
        if below(module, f"gestalt.{own}") or others:
            found.append(f"{named(path)}: {module}")
    assert found == []


def test_what_methods_are_made_of_needs_few_libraries() -> None:
    light = [path for path in files("core") if path.relative_to(ROOT).parts[1] not in PACKAGES_WITH_MORE]
    allowed = LIBRARIES_OF_METHODS | set(sys.stdlib_module_names) | {"core"}
    assert [f"{named(path)}: {module}" for path, module in every(light) if module.split(".")[0] not in allowed] == []


def in_circles(needs: dict[str, set[str]]) -> set[str]:
    """The modules that need one another, and those between two such circles."""
    while True:
        wanted = set[str]().union(*needs.values())
        kept = {
            name: others & needs.keys() for name, others in needs.items() if others & needs.keys() and name in wanted
        }
        if kept == needs:
            return set(kept)
        needs = kept


def test_circles_are_found_whatever_hangs_on_them() -> None:
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"os"}, "e": {"d"}}) == {"b", "c"}
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Not even inside a function, where a circle only hides: what two modules share belongs to a third."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files(*FOLDERS)
    }
    needs: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        for module in imported(path):
            parts = module.removeprefix("gestalt.").split(".")
            places = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]  # a name in a module, a module
            needs[name] |= {next((place for place in places if place in modules), name)} - {name}
    assert sum(map(len, needs.values())) > len(modules)
    assert in_circles(needs) == set()


def test_no_file_is_too_long_to_read() -> None:
    paths = files("core", "modalities", "recipes", "tests", "benchmarks", "src")
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_the_walk_of_imports_sees_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that finds nothing would pass everything."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "core" / "folder" / "file.py"
    path.parent.mkdir(parents=True)
    path.write_text("from ..other import thing\nfrom . import near\ndef f():\n    import gestalt.modalities.audio\n")
    assert {"core.other.thing", "core.folder.near", "gestalt.modalities.audio"} <= set(imported(path))


def python(code: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False)


def test_what_pytest_reads_first_imports_nothing_whose_types_are_to_be_checked() -> None:
    """The lowest version of jaxtyping begins to check after `conftest.py`, and refuses what was imported before."""
    body = ast.parse((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")).body
    imports = [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert [line for line in imports if "gestalt" in line] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_top_folder_imported_from_the_root_explains_itself(folder: str) -> None:
    result = python(f"import {folder}")
    assert result.returncode != 0
    assert f"Import 'gestalt.{folder}' instead" in result.stderr


def test_importing_gestalt_imports_no_modalitys_library(tmp_path: Path) -> None:
    result = python(f"import gestalt, sys; print([m for m in {LIBRARIES_OF_MODALITIES} if m in sys.modules])", tmp_path)
    assert result.stdout.strip() == "[]"


def test_importing_gestalt_is_fast_and_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import time; start = time.perf_counter(); import gestalt; seconds = time.perf_counter() - start; "
        "import sys; print(seconds, 'torch' in sys.modules)"
    )
    seconds, torch_too = min(python(code, tmp_path).stdout.split() for _ in range(3))
    assert float(seconds) < 0.3
    assert torch_too == "False"


def test_no_modality_imports_torchs_compiler_but_by_its_library(tmp_path: Path) -> None:
    """It takes a second and more, in every process and every worker; PyTorch Geometric imports it."""
    code = (
        f"import gestalt, sys; [gestalt.load_modality(name) for name in {MODALITIES.names()!r} if name != 'graph']; "
        "print('torch._dynamo' in sys.modules)"
    )
    assert python(code, tmp_path).stdout.strip() == "False"


@pytest.mark.parametrize("name", sorted(set(dir(gestalt)) - {"__version__"}))
def test_every_public_name_is_listed_and_explains_itself(name: str) -> None:
    assert name in dir(gestalt)
    text = inspect.getdoc(getattr(gestalt, name))
    assert text
    assert len(text.split()) >= 4


def test_every_folder_says_in_one_sentence_what_lives_there() -> None:
    folders = [path for path in files(*FOLDERS) if path.name == "__init__.py" and path.parent.parent != ROOT]
    texts = {named(path): ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in folders}
    assert [name for name, text in texts.items() if not text.partition("\n")[0].endswith((".", "?"))] == []


def test_files_are_short_in_the_middle() -> None:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in files(*FOLDERS))
    assert lengths[len(lengths) // 2] <= 140


def test_listing_modalities_imports_none_of_them(tmp_path: Path) -> None:
    code = (
        "from gestalt.core.components.registry import MODALITIES; import sys; "
        "print(MODALITIES.names()); print([m for m in sys.modules if m.startswith('gestalt.modalities')])"
    )
    listed, loaded = python(code, tmp_path).stdout.splitlines()
    assert "audio" in listed
    assert loaded == "[]"


BROKEN: dict[str, str] = {}
"""Modules that cannot be imported, and why."""


def classes() -> list[type]:
    """Every class that is defined in the package."""
    found: dict[str, type] = {}
    for info in pkgutil.walk_packages(gestalt.__path__, "gestalt."):
        if info.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(info.name)
        except Exception as error:  # one broken module fails one test, not the whole walk
            BROKEN[info.name] = f"{type(error).__name__}: {error}"
            continue
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == info.name:
                found[f"{info.name}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


CLASSES = classes()


def full(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def is_protocol(kind: type) -> bool:
    return Protocol in kind.__bases__


def test_a_class_is_either_abstract_or_final() -> None:
    def final(kind: type) -> bool:
        return "__final__" in vars(kind) and bool(vars(kind)["__final__"])

    assert [full(kind) for kind in CLASSES if final(kind) == (inspect.isabstract(kind) or is_protocol(kind))] == []


def test_an_abstract_class_is_named_so_and_refuses_to_be_made() -> None:
    for kind in CLASSES:
        named_so = kind.__name__.lstrip("_").startswith("Abstract")
        assert named_so == inspect.isabstract(kind) or is_protocol(kind), full(kind)
        if inspect.isabstract(kind):
            assert issubclass(type(kind), abc.ABCMeta), full(kind)
            with pytest.raises(TypeError, match="abstract"):
                object.__new__(kind)


def overridden(kind: type) -> Iterator[str]:
    """Concrete methods of ours that a class writes anew."""
    for name, value in vars(kind).items():
        if not isinstance(value, FunctionType | property | classmethod | staticmethod):
            continue
        if dataclasses.is_dataclass(kind) and name in MADE_BY_DATACLASSES:
            continue  # made anew for every dataclass
        for base in kind.__mro__[1:]:
            ours = base.__module__.startswith("gestalt") and name in vars(base) and not is_protocol(base)
            if ours and not getattr(vars(base)[name], "__isabstractmethod__", False):
                yield f"{full(kind)}.{name}"


def test_no_concrete_method_of_ours_is_overridden() -> None:
    """Behaviour is added by wrapping; libraries' own methods may be implemented anew."""
    assert [name for kind in CLASSES for name in overridden(kind)] == []


def test_an_interface_is_small() -> None:
    assert [full(kind) for kind in CLASSES if len(getattr(kind, "__abstractmethods__", ())) > 4] == []


def test_the_walk_of_classes_sees_what_there_is() -> None:
    assert BROKEN == {}
    names = {kind.__name__ for kind in CLASSES}
    assert {"AbstractGrouper", "KMeans", "Learner", "Segmentation", "LARS", "Odin"} <= names


def test_only_gestalt_is_installed_with_its_samples(tmp_path: Path) -> None:
    command = [
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
        "--wheel-dir",
    ]
    source = copied_source(tmp_path / "source")
    result = subprocess.run(
        [sys.executable, "-m", *command, str(tmp_path), str(source)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("gestalt_ssl-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gestalt", "gestalt_ssl"}
    for path in [*files(*FOLDERS), *(ROOT / "recipes" / "samples").rglob("*.*")]:
        if path.is_file():
            assert f"gestalt/{path.relative_to(ROOT)}" in names
    assert "gestalt/py.typed" in names


def copied_source(folder: Path) -> Path:
    """What git would hand out, links included, so that no build folder is left in the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    for name in listed.stdout.splitlines():
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(source.readlink())
            else:
                target.write_bytes(source.read_bytes())
    return folder
