"""Installed components by name: entry points are listed without an import, and only the one asked for is loaded."""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, final

from .names import choose


@final
@dataclass(frozen=True)
class Registry:
    """The components of one entry-point group.

    Args:
        word: what one of them is called ("grouper"), in messages and in descriptions.
        group: the entry-point group, also for packages of other authors.

    Example:
        >>> GROUPERS.load("k-means").__name__, GROUPERS.name_of(GROUPERS.load("k-means"))
        ('KMeans', 'k-means')
    """

    word: str
    group: str

    def points(self) -> dict[str, EntryPoint]:
        """Entry points by name, sorted; nothing is imported.

        Raises:
            ValueError: if two installed distributions claim one name.
        """
        return installed(self.word, self.group)

    def names(self) -> list[str]:
        """All names."""
        return list(self.points())

    def load(self, name: str) -> Any:
        """The component of that name. Safe for names out of a file: what is not installed is never imported.

        Raises:
            ValueError: if there is none, with the nearest name.
            ImportError: if it cannot be imported, with the reason and what to install.
        """
        return load_point(self.word, self.points()[choose(self.word, name, self.names())])

    def name_of(self, component: Any) -> str | None:
        """The name under which a class (or object) is installed, None where it is not."""
        points = self.points()
        for name, point in points.items():
            if point.attr == getattr(component, "__qualname__", None) and point.module == component.__module__:
                return name
        owner = str(getattr(component, "__module__", "")).split(".")[0]
        for name, point in points.items():
            if point.module.split(".")[0] == owner and self._names(point, component):
                return name
        return None

    def _names(self, point: EntryPoint, component: Any) -> bool:
        """Whether an entry point stands for the component, also from elsewhere than its own module."""
        try:
            return load_point(self.word, point) is component
        except ImportError:  # another component of the same distribution, which cannot be imported
            return False


@lru_cache(maxsize=1)
def _all_points() -> dict[str, tuple[EntryPoint, ...]]:
    """By group. Entry points do not change within a process, and listing them takes milliseconds each time."""
    points = entry_points()
    return {group: tuple(points.select(group=group)) for group in points.groups if group.startswith("gestalt.")}


def installed(word: str, group: str) -> dict[str, EntryPoint]:
    """See `Registry.points`."""
    found: dict[str, EntryPoint] = {}
    for point in _all_points().get(group, ()):
        if point.name in found and found[point.name].value != point.value:
            raise ValueError(
                f"two installed packages offer a {word} named {point.name!r}: {found[point.name].value} and "
                f"{point.value}; uninstall one of them"
            )
        found[point.name] = point
    return dict(sorted(found.items()))


def load_point(word: str, point: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        ImportError: if it cannot be imported: a library is missing, or the code has a mistake; says which.
    """
    try:
        return _loaded(point)
    except Exception as error:  # whatever a module of another package raises on import
        if not isinstance(error, ModuleNotFoundError) or _within(error.name, point.module.split(".")[0]):
            raise ImportError(import_failure(f"the {word} {point.name!r} ({point.value})", error)) from error
        ours = point.value.startswith("gestalt.")
        extra = point.value.split(".")[2] if ours and point.value.startswith("gestalt.modalities.") else "all"
        name = point.value.split(".")[0].split(":")[0] if point.dist is None else point.dist.name
        remedy = f"pip install 'gestalt-ssl[{extra}]'" if ours else f"pip install {name}"
        raise ImportError(
            f"the {word} {point.name!r} needs the library {error.name!r}; install it with: {remedy}"
        ) from error


@cache
def _loaded(point: EntryPoint) -> Any:
    """Asking importlib takes microseconds each time, and to name one component, all may have to be looked at."""
    return point.load()


def _within(missing: str | None, package: str) -> bool:
    """Whether a missing module would lie within gestalt or the component's package: a mistake of the code."""
    return missing is not None and missing.startswith(("gestalt.", f"{package}."))


def import_failure(what: str, error: Exception) -> str:
    """What to say of a module that cannot be imported because its code has a mistake."""
    place = f" at {error.filename}:{error.lineno}" if isinstance(error, SyntaxError) else ""
    reason = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{what} cannot be imported: {type(error).__name__}{place}: {reason}; correct its code, or uninstall it"


METHODS = Registry("method", "gestalt.methods")
RECIPES = Registry("recipe", "gestalt.recipes")
MODALITIES = Registry("modality", "gestalt.modalities")
GROUPERS = Registry("grouper", "gestalt.groupers")
OVER_SEGMENTATIONS = Registry("over-segmentation", "gestalt.oversegmentations")
BACKGROUNDS = Registry("background remover", "gestalt.backgrounds")
RULES = Registry("follower rule", "gestalt.rules")
OBJECTIVES = Registry("objective", "gestalt.objectives")
HIDINGS = Registry("way to hide", "gestalt.hidings")
TARGETS = Registry("target", "gestalt.targets")
HEADS = Registry("head", "gestalt.heads")
FITTERS = Registry("fitter", "gestalt.fitters")
PROTOCOLS = Registry("protocol", "gestalt.protocols")
CLUSTERINGS = Registry("clustering", "gestalt.clusterings")
EXPORTS = Registry("export", "gestalt.exports")
PARTS = Registry("part", "gestalt.parts")
"""Dataclasses that are settings of other components, such as `ObjectFinder`."""

REGISTRIES = (
    METHODS,
    GROUPERS,
    OVER_SEGMENTATIONS,
    BACKGROUNDS,
    RULES,
    OBJECTIVES,
    HIDINGS,
    TARGETS,
    HEADS,
    FITTERS,
    PROTOCOLS,
    CLUSTERINGS,
    PARTS,
)
"""Those whose components are described in JSON."""
