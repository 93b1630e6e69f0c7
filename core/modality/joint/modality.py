"""A modality composed of others."""

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ...data.in_parts import InParts
from ...data.items import AbstractItems, Skipped
from ...data.masks import AbstractMasks, ItemMasks
from ...data.places import Parts, Places
from ...networks.encoder import AbstractEncoder
from ...networks.modes import evaluating
from ..base import AbstractModality, Reading, Specimen
from ..colours import colour_of
from ..inferred import inferred_settings
from ..learns_columns import LearnsColumns
from ..optional import (
    ComposesModalities,
    ComputesTargets,
    CutsInTime,
    ReadsFullResolution,
    ReadsWindows,
    ShowsNumbers,
    TransplantsObjects,
)
from ..showing import object_html
from ..transform import AbstractTransform, Chain, Views
from ..two_steps import encoders_in_two_steps
from .amounts import amounts_of_parts
from .archives import read_paths
from .encoders import Joint, JointRaw, chosen_encoders, first_that_learns
from .item import JointData, JointItem
from .masks import read_joint_masks, shown_joint_masks
from .shard_windows import joint_items
from .transformer import JointTransformer, first_in_two_steps
from .transforms import EachPart, KeepParts, SameStretch
from .transplants import set_in


def joint(**modalities: AbstractModality[Any]) -> "JointModality":
    """A modality whose items have parts, by the names that are given here; any modalities will do.

    Example:
        >>> from gestalt.modalities.text import MODALITY as TEXT
        >>> from gestalt.modalities.image import MODALITY as IMAGE
        >>> joint(image=IMAGE, text=TEXT).name
        'image+text'
    """
    return JointModality(modalities)


@final
class JointModality(AbstractModality[JointItem]):
    """Items of several parts: clips with their sound, pictures with captions, molecules with a text.

    The elements of an item are those of all parts, one part behind the other. An object may span parts. A view
    transforms every part by its modality's own views; parts that lie in time (`CutsInTime`) show the same seconds, and
    are read in windows of one length, the shortest of theirs.

    Args:
        modalities: of the parts by name, two at least. The name of the joint modality is that of its parts, with + in
            between.
        allow_missing: take items of which a part is missing or cannot be read; without, they are bad items.

    Raises:
        ValueError: for fewer than two parts, names that are no words, or a part that is itself made of parts.
    """

    name: ClassVar[str] = "joint"
    element: ClassVar[str] = "element"

    def __init__(self, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool = False) -> None:
        if len(modalities) < 2 or not all(name.isidentifier() for name in modalities):
            raise ValueError(f"a joint modality needs two or more parts with names that are words, got {[*modalities]}")
        for name, one in modalities.items():
            if isinstance(one, ComposesModalities):
                own = ", ".join(f"{part}=…" for part in one.modalities)
                raise ValueError(
                    f"part {name!r} is itself made of parts, and an item has its parts side by side: put them all into "
                    f"one, joint({', '.join([*(f'{other}=…' for other in modalities if other != name), own])})"
                )
        self.modalities: Mapping[str, AbstractModality[Any]] = in_equal_windows(modalities)
        self.allow_missing = allow_missing
        self.name = "+".join(modalities)  # type: ignore[misc]
        self.tolerance = max(one.tolerance for one in modalities.values())  # type: ignore[misc]
        builders = {name: one.encoders for name, one in self.modalities.items()}
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": partial(JointRaw, builders),
            "joint": partial(Joint, builders),
        }
        if all(encoders_in_two_steps(own) for own in builders.values()):
            self.encoders = {**self.encoders, "transformer": partial(JointTransformer, builders)}
        self.identity = {name: unchanged(one) for name, one in self.modalities.items()}
        if any(isinstance(one, TransplantsObjects) for one in self.modalities.values()):
            self.transplant = partial(set_in, self.modalities, self.identity)
        self.transforms: Mapping[str, AbstractTransform[JointItem]] = {
            "same_stretch": SameStretch(self.modalities, self.identity),
            "each_part": EachPart({name: _view(one, 0) for name, one in self.modalities.items()}),
            **{f"keep_{name}": KeepParts([name], self.identity) for name in modalities},
        }
        self.views: Views[JointItem] = self.default_views()

    def composed_of(self, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool) -> "JointModality":
        """The same with other parts, or with items that may lack some."""
        return JointModality(modalities, allow_missing)

    def of_items(self, items: AbstractItems[JointItem]) -> "JointModality":
        """The same, whose parts read all items as they read these, where that follows from the data."""
        own = joint_items(items)
        if own is None:
            return self
        learned = {
            name: one.of_items(own.parts[name]) if isinstance(one, LearnsColumns) and name in own.parts else one
            for name, one in self.modalities.items()
        }
        return self if learned == self.modalities else self.composed_of(learned, self.allow_missing)

    def without(self, columns: Sequence[str]) -> "JointModality":
        """The same, for whose parts these columns are no inputs."""
        parts = {
            name: one.without(columns) if isinstance(one, LearnsColumns) else one
            for name, one in self.modalities.items()
        }
        return self if parts == self.modalities else self.composed_of(parts, self.allow_missing)

    def default_views(self, count: int | None = None) -> Views[JointItem]:
        """Views that transform every part; parts that lie in time show the same seconds.

        Args:
            count: how many; None: as many as the part with the most.
        """
        most = max(len(one.views.views) for one in self.modalities.values()) if count is None else count
        each = [EachPart({name: _view(one, number) for name, one in self.modalities.items()}) for number in range(most)]
        stretch = SameStretch(self.modalities, self.identity)
        return Views(self.chain(), tuple(self.chain((1.0, stretch), (1.0, one)) for one in each))

    def views_of_parts(self, *kept: Sequence[str]) -> Views[JointItem]:
        """A view for each of these sets of parts, which keeps them alone: with one part each, SimCLR is CLIP.

        Example:
            >>> from gestalt.modalities.text import MODALITY as TEXT
            >>> from gestalt.modalities.image import MODALITY as IMAGE
            >>> len(joint(image=IMAGE, text=TEXT).views_of_parts(["text"], ["image"]).views)
            2
        """
        return self.showing(self.default_views(len(kept)), kept)

    @property
    def parts(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.modalities)

    def showing(self, views: Views[JointItem], kept: Sequence[Sequence[str]]) -> Views[JointItem]:
        """These views, each of which keeps the parts of its place alone; views or places begin anew where few. Of an
        item that has none of these a view shows nothing.
        """
        keep = [KeepParts(names, self.identity, nothing=True) for names in kept]
        seen = [
            self.chain((1.0, views.views[number % len(views.views)]), (1.0, keep[number % len(keep)]))
            for number in range(max(len(keep), len(views.views)))
        ]
        return replace(views, views=tuple(seen))

    def alone(self, item: JointItem, names: Sequence[str]) -> JointItem | None:
        """An item without its other parts; None where it has none of these."""
        return item.only(names) if item.parts.keys() & set(names) else None

    def chain(self, *steps: tuple[float, AbstractTransform[JointItem]]) -> Chain[JointItem]:
        """Transforms of joint items in a row, as pairs (probability, transform); none is the item itself."""
        return Chain(self._unchanged, steps)

    def _unchanged(self, item: JointItem) -> InParts:
        rules = {name: self.identity[name].identity(part) for name, part in item.parts.items()}
        return InParts.of(rules, tuple(self.modalities))

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[JointItem]:
        """The joint items in files and folders; see `read_joint` for what makes a pair, and `read_paths`.

        Raises:
            BadItemError: for the first file that cannot be used, or item without one of its parts, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if there is no item.
        """
        return read_paths(self.modalities, paths, skip_bad, self.allow_missing)

    def read_full(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[JointItem]:
        """As `read`, with parts at the resolution of their files, where their modality can.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
        """
        return read_paths(self.modalities, paths, skip_bad, self.allow_missing, full=True)

    def for_network(self, item: JointItem) -> JointItem:
        """An item of `read_full` with every part in the size in which its encoder takes it."""
        parts = {name: _for_network(self.modalities[name], part) for name, part in item.parts.items()}
        return JointItem(parts, item.chosen)

    def read_masks(
        self, path: Path, items: AbstractItems[JointItem], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[JointItem]:
        """The masks of parts, `image=masks,text=spans.jsonl`, each in the formats of its modality.

        Objects of two parts that have one name, and are alone in their part with it, are one object.

        Raises:
            FileNotFoundError: if a path does not exist.
            ValueError: if it names no part that reads masks, or the masks of one cannot be used.
        """
        return read_joint_masks(self.modalities, path, items, skipped)

    def shown_masks(self, item: JointItem, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object as the part that it is in and what that part's modality shows of it."""
        return shown_joint_masks(self.modalities, item, masks)

    def encoder_settings(self, encoder: str, items: AbstractItems[JointItem]) -> Mapping[str, Any]:
        """What the encoders of the parts learn from the data, for parts that know any."""
        return self.encoder_settings_beside(encoder, items, {})

    def encoder_settings_beside(
        self, encoder: str, items: AbstractItems[JointItem], given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """As `encoder_settings`; `given` may name the encoders of some parts (`encoders`)."""
        own = joint_items(items)
        if own is None:
            return {}
        builders = {name: one.encoders for name, one in self.modalities.items()}
        first = first_in_two_steps if encoder == "transformer" else first_that_learns
        chosen = (
            dict.fromkeys(builders, "raw")
            if encoder == "raw"
            else chosen_encoders(str(given.get("encoders", "")), builders, first)
        )
        return {
            "settings": {
                name: dict(inferred_settings(one, chosen[name], own.parts[name])) if name in own.parts else {}
                for name, one in self.modalities.items()
            }
        }

    def amounts(self, item: JointItem) -> Mapping[str, float]:
        """The amounts of its parts; where two count in one unit (the seconds of a clip and its sound), the larger."""
        return amounts_of_parts(self.modalities, item)

    def computed(self, item: JointItem) -> Mapping[str, float]:
        """What is computed from each part, where its modality computes anything; NaN for parts that are missing.

        Names are those of the modality, with that of the part in front.
        """
        found = dict[str, float]()
        for name, names in self._computed_names.items():
            modality = self.modalities[name]
            assert isinstance(modality, ComputesTargets)
            own = modality.computed(item.parts[name]) if name in item.parts else dict.fromkeys(names, math.nan)
            found |= {f"{name} {key}": value for key, value in own.items()}
        return found

    @cached_property
    def _computed_names(self) -> Mapping[str, tuple[str, ...]]:
        """What is computed from each part."""
        offering = {name: one for name, one in self.modalities.items() if isinstance(one, ComputesTargets)}
        return {name: tuple(one.computed(one.specimens()[0].item)) for name, one in offering.items()}

    def collate(self, items: Sequence[JointItem]) -> JointData:
        """Every part collated by its modality, for the items that have it."""
        return JointData.of(items, self.modalities)

    def render(
        self,
        item: JointItem,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The pictures of all parts; an object has one colour and one number in all of them (`ShowsNumbers`), by the
        order in which objects appear. `truth` has parts by name.
        """
        assert isinstance(grid, Parts)
        shown, found = [_legend(in_order(found), grid)], in_order(found)
        for name, part in item.parts.items():
            here, own = grid.slices[name], grid.grids[grid.names.index(name)]
            of_part = [extent for part_name, extent in truth if part_name == name]
            modality = self.modalities[name]
            draw = modality.render_numbered if isinstance(modality, ShowsNumbers) else modality.render
            picture = draw(part, found[here], own, of_part)
            shown.append(f'<div class="part"><h4>{html.escape(name)}</h4>{picture}</div>')
        return "".join(shown)

    def render_object(self, item: JointItem, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """The object in every part in which it has elements."""
        assert isinstance(grid, Parts)
        shown = []
        for name, part in item.parts.items():
            here, own = inside[grid.slices[name]], grid.grids[grid.names.index(name)]
            if bool(here.any()):
                picture = object_html(self.modalities[name], part, here, own)
                shown.append(f'<div class="part"><h4>{html.escape(name)}</h4>{picture}</div>')
        return "".join(shown)

    def specimens(self) -> Sequence[Specimen[JointItem]]:
        """Those of the parts, side by side."""
        every = {name: list(one.specimens()) for name, one in self.modalities.items()}
        count = min(len(found) for found in every.values())
        raw = self.encoders["raw"]()
        return [self._specimen({name: found[number] for name, found in every.items()}, raw) for number in range(count)]

    def _specimen(self, parts: Mapping[str, Specimen[Any]], raw: AbstractEncoder) -> Specimen[JointItem]:
        item = JointItem({name: one.item for name, one in parts.items()})
        labels, first = list[Tensor](), 0
        for one in parts.values():
            labels.append(torch.where(one.labels >= 0, one.labels + first, -1))
            first = int(labels[-1].max()) + 1
        with evaluating(raw):
            places = raw(self.collate([item])).places
        assert isinstance(places, Parts)
        truth = [(name, extent) for name, one in parts.items() for extent in one.truth]
        return Specimen(item, torch.cat(labels), partial(_marked, parts, places), truth)


def in_order(found: Int[Tensor, " elements"]) -> Int[Tensor, " elements"]:
    """Objects numbered 0, 1, 2, … in the order in which they appear, −1 for none.

    Example:
        >>> in_order(torch.tensor([7, -1, 2, 7])).tolist()
        [0, -1, 1, 0]
    """
    numbers = dict.fromkeys(number for number in found.tolist() if number >= 0)
    places = {number: place for place, number in enumerate(numbers)}
    return torch.tensor([places.get(number, -1) for number in found.tolist()], dtype=torch.long)


def _legend(found: Int[Tensor, " elements"], grid: Parts) -> str:
    """Every object with its colour and the parts in which it is."""
    keys = []
    for number in range(int(found.max()) + 1 if len(found) else 0):
        names = [name for name, here in grid.slices.items() if bool((found[here] == number).any())]
        square = f'<span style="color:{colour_of(number)}">■</span>'
        said = f"{square} object {number + 1}: {html.escape(', '.join(names))}"
        keys.append(f'<span style="white-space:nowrap">{said}</span>')
    return f'<p class="objects" style="font-size:0.85rem">{" &ensp; ".join(keys) or "no object"}</p>'


def _marked(parts: Mapping[str, Specimen[Any]], places: Parts, element: int) -> JointItem:
    """A joint specimen marked at one of its elements."""
    changed = {name: one.item for name, one in parts.items()}
    for name, here in places.slices.items():
        if here.start <= element < here.stop:
            changed[name] = parts[name].mark(element - here.start)
    return JointItem(changed)


def in_equal_windows(modalities: Mapping[str, AbstractModality[Any]]) -> dict[str, AbstractModality[Any]]:
    """The same modalities; those that are read in windows of time all with the shortest of their windows."""
    windows = [one.window for one in modalities.values() if isinstance(one, ReadsWindows)]
    return {
        name: one.in_windows(min(windows)) if isinstance(one, ReadsWindows) and one.window > min(windows) else one
        for name, one in modalities.items()
    }


def _for_network(modality: AbstractModality[Any], part: Any) -> Any:
    return modality.for_network(part) if isinstance(modality, ReadsFullResolution) else part


def _view(modality: AbstractModality[Any], number: int) -> AbstractTransform[Any]:
    """One of a modality's default views; of parts in time, without what cuts them."""
    views = modality.in_place() if isinstance(modality, CutsInTime) else modality.views.views
    return views[number % len(views)]


def unchanged(modality: AbstractModality[Any]) -> Chain[Any]:
    """The transform of a modality that changes nothing.

    Raises:
        ValueError: if none of its views is a `Chain`, which says what the correspondence of an item to itself is.
    """
    for one in (modality.views.source, *modality.views.views):
        if isinstance(one, Chain):
            return Chain(one.identity)
    raise ValueError(
        f"a joint modality keeps parts as they are, and the views of {modality.name} do not say what the "
        "correspondence of an item to itself is: make one of them a Chain"
    )
