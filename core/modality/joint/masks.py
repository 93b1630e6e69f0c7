"""Masks of joint items: those of each part, in the formats of its modality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ...components.names import choose
from ...data.items import AbstractItems, Skipped
from ...data.masks import AbstractMasks, ItemMasks, LeavesUnused
from ..base import AbstractModality
from ..optional import ReadsMasks, ShowsMasks
from .item import JointItem
from .items import JointItems
from .shard_windows import rows_of


@final
@dataclass(frozen=True)
class JointMasks(AbstractMasks[JointItem]):
    """The masks of all parts that have some; elements of others are of no object. Where an item has several of a part,
    such as captions, each has its own, and those of the one that was read are taken (`JointItem.chosen`).

    Attributes:
        items: those that the joint modality read.
        parts: the masks of each part, by the numbers of its items.
    """

    items: JointItems
    parts: Mapping[str, AbstractMasks[Any]]

    @property
    def unused(self) -> tuple[str, ...]:
        """What the masks of parts name and is none of the items."""
        return tuple(name for one in self.parts.values() if isinstance(one, LeavesUnused) for name in one.unused)

    def has(self, index: int) -> bool:
        """Whether any part has a mask."""
        choices = self.items.choices.get(index, {})
        return any(
            self.parts[name].has(one) for name, number in self._numbers(index) for one in choices.get(name, (number,))
        )

    def of_item(self, index: int, item: JointItem) -> ItemMasks | None:
        """The masks of all parts as one, see `ItemMasks.of_parts`.

        Raises:
            BadItemError: if the mask of a part cannot be read or does not fit it.
        """
        found = dict[str, ItemMasks | None](dict.fromkeys(self.items.parts))
        for name, number in self._numbers(index):
            if name in item.parts:
                found[name] = self.parts[name].of_item(item.chosen.get(name, number), item.parts[name])
        return None if all(one is None for one in found.values()) else ItemMasks.of_parts(found)

    def _numbers(self, index: int) -> list[tuple[str, int]]:
        """The parts with masks that the item has, and the number of each one's item."""
        every = zip(self.items.parts, self.items.rows[index], strict=True)
        return [(name, number) for name, number in every if name in self.parts and number >= 0]


def paths_of_masks(path: Path) -> tuple[Path, ...]:
    """The files and folders of `image=masks,text=spans.jsonl`; a path that names no part is itself.

    Example:
        >>> paths_of_masks(Path("image=masks,text=spans.jsonl"))
        (PosixPath('masks'), PosixPath('spans.jsonl'))
        >>> paths_of_masks(Path("masks"))
        (PosixPath('masks'),)
    """
    named = _named(path)
    return (path,) if named is None else tuple(named.values())


def _named(path: Path) -> dict[str, Path] | None:
    if path.exists() or "=" not in str(path):
        return None
    pairs = [pair.partition("=") for pair in str(path).split(",")]
    if not all(name.strip() and own.strip() for name, _, own in pairs):
        raise ValueError(f"masks of parts are named as part=path, with commas between, got {str(path)!r}")
    return {name.strip(): Path(own.strip()) for name, _, own in pairs}


def read_joint_masks(
    modalities: Mapping[str, AbstractModality[Any]],
    path: Path,
    items: AbstractItems[JointItem],
    skipped: Sequence[Skipped] = (),
) -> JointMasks:
    """The masks of parts.

    Args:
        modalities: of the parts.
        path: `image=masks,text=spans.jsonl`, or a folder whose files and folders are called as the parts: `image/`,
            `text.jsonl`.
        items: those that the joint modality read.
        skipped: files that were left out; their masks may be there.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: if no part is named, or one that there is not, that reads no masks or whose masks cannot be used.
    """
    own_items = rows_of(items)
    if own_items is None:
        raise ValueError(
            f"masks go by the files of the parts, and these are items of {type(items).__name__}: unpack them"
        )
    named = _named(path)
    if named is None:
        there = sorted(path.iterdir()) if path.is_dir() else []
        named = {one.stem: one for one in there if one.stem in modalities}
    if not named:
        raise ValueError(
            f"{path} does not say which part its masks are of: give part=path, with commas between (such as "
            f"{next(iter(modalities))}={path}), or a folder whose entries are called {', '.join(modalities)}"
        )
    found = dict[str, AbstractMasks[Any]]()
    for said, own in named.items():
        name = choose("part", said, list(modalities))
        modality = modalities[name]
        if name not in own_items.parts:
            raise ValueError(f"no item has the part {name!r}, so {own} cannot be used; leave it out")
        if not isinstance(modality, ReadsMasks):
            raise ValueError(f"the part {name!r} reads no masks, so {own} cannot be used; leave it out")
        found[name] = modality.read_masks(own, own_items.parts[name], skipped)
    return JointMasks(own_items, found)


def shown_joint_masks(
    modalities: Mapping[str, AbstractModality[Any]], item: JointItem, masks: ItemMasks
) -> list[tuple[str, Any]]:
    """Each true object as the part that it is in and what that part's modality shows of it."""
    shown = list[tuple[str, Any]]()
    for name, part in item.parts.items():
        modality, own = modalities[name], masks.part(name)
        if isinstance(modality, ShowsMasks) and len(own.labels):
            shown += [(name, one) for one in modality.shown_masks(part, own)]
    return shown
