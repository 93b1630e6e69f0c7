"""Joint items, and the batches made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ..base import AbstractModality
from ..optional import CutsInTime


@final
@dataclass(frozen=True)
class JointItem:
    """The parts of an item by name, each in the native form of its modality; one at least, and any may be missing.

    Attributes:
        parts: by name.
        chosen: of parts of which the item has several where it is kept, such as captions, the number of the one that
            was read among the items of that part: its masks are those of no other. Views of an item do not say.
        seen: whether there is anything of it; not in a view that shows parts which it lacks.

    Example:
        >>> JointItem({"audio": [0.1, 0.2], "text": "a bell"}).only(["text"]).parts
        {'text': 'a bell'}
    """

    parts: Mapping[str, Any]
    chosen: Mapping[str, int] = field(default_factory=dict, repr=False)
    seen: bool = field(default=True, repr=False)

    def __post_init__(self) -> None:
        if not self.parts and self.seen:
            raise ValueError("a joint item needs at least one part, got none")

    def only(self, names: Sequence[str]) -> "JointItem":
        """The same item with these parts alone, as far as it has them; all where it has none of them."""
        kept = {name: part for name, part in self.parts.items() if name in names}
        return JointItem(kept, self.chosen) if kept else self


@final
@dataclass(frozen=True)
class JointData:
    """A batch of joint items: for every part the data of the items that have it, and which items these are.

    `data` of a part that no item has is None. `in_time` names the parts that lie in time, at the same seconds.
    """

    names: tuple[str, ...]
    rows: tuple[Int[Tensor, " _"], ...]
    data: tuple[Any, ...]
    items: int
    in_time: tuple[str, ...] = ()

    @classmethod
    def of(cls, items: Sequence[JointItem], modalities: Mapping[str, AbstractModality[Any]]) -> "JointData":
        """The parts of all items, collated by their modalities."""
        rows, data = [], []
        for name, modality in modalities.items():
            having = [number for number, item in enumerate(items) if name in item.parts]
            rows.append(torch.tensor(having, dtype=torch.long))
            data.append(modality.collate([items[number].parts[name] for number in having]) if having else None)
        in_time = tuple(name for name, modality in modalities.items() if isinstance(modality, CutsInTime))
        return cls(tuple(modalities), tuple(rows), tuple(data), len(items), in_time)

    def to(self, device: torch.device | str) -> "JointData":
        """The same batch on another device."""
        return JointData(
            self.names,
            tuple(rows.to(device) for rows in self.rows),
            tuple(None if part is None else part.to(device) for part in self.data),
            self.items,
            self.in_time,
        )
