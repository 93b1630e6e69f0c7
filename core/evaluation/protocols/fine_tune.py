"""Fine-tuning at shares of the labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar, final, overload

from jaxtyping import Float, Int
from torch import Tensor

from ...components.ranges import PositiveShare, check_ranges
from ..fine_tuning import FineTuning, fine_tuned
from ..splitting import Split
from .base import (
    AbstractProtocol,
    Answer,
    EvaluationData,
    ItemSource,
    NotApplicableError,
    answer,
    items_of,
    measure_of,
    over_splits,
    share_named,
)
from .linear import in_units_of, kept_rows

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class FineTuned(AbstractProtocol):
    """A copy of the encoder and a linear head trained together on a share of the labels (`fine_tune`).

    Every split, at every share, is a training of its own.

    Args:
        shares: of the training labels, drawn evenly over classes (or values); each a variant.
        options: how it is trained.
        views: whether training items are seen through the modality's views, or as they are.

    Source: the protocol of SimCLR and SemPPL at 1 % and 10 % of the labels.
    """

    shares: tuple[PositiveShare, ...] = (0.01, 0.1, 1.0)
    options: FineTuning = field(default_factory=FineTuning)
    views: bool = False
    title: ClassVar[str] = "fine-tuning"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        check_ranges(self)
        if not self.shares:
            raise ValueError("shares must be one number at least, got none")

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One for every share."""
        rows, source = items_of(data), data.source
        if source is None:
            raise NotApplicableError("needs the items themselves")
        items = ReadWhenAsked(source, rows.index)
        found = []
        for share in self.shares:

            def one(split: Split, share: float = share) -> Float[Tensor, "draws test outputs"]:
                train = kept_rows(rows, split, share, data.seed)
                transform = source.view if self.views else None
                tuned = fine_tuned(
                    source.encoder, items, rows.target, rows.known, train, split.test, source.collate, self.options,
                    transform,
                )  # fmt: skip
                outputs, _ = tuned.outputs(items, rows.known, split.test)
                return in_units_of(rows.target, tuned.target, outputs)[None]

            outputs = over_splits(rows, one)
            found.append(answer(rows, share_named(share), outputs, measure_of(rows.target), share=share))
        return found


@final
class ReadWhenAsked(Sequence[ItemT], Generic[ItemT]):
    """Rows' items, read one at a time."""

    def __init__(self, source: ItemSource[ItemT], index: Int[Tensor, " rows"]) -> None:
        self.source, self.numbers = source, index

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, row: int) -> ItemT: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[ItemT]: ...

    def __getitem__(self, row: int | slice) -> ItemT | Sequence[ItemT]:
        """Items by their rows."""
        if isinstance(row, slice):
            return [self.source.read(number) for number in self.numbers[row].tolist()]
        return self.source.read(int(self.numbers[row]))

    def __iter__(self) -> Iterator[ItemT]:
        for row in range(len(self)):
            yield self.source.read(int(self.numbers[row]))
