"""The class of a hidden element: which word, which atom, or which of some random codes its numbers are nearest to."""

from typing import Any, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from ....data.feature_map import FeatureMap
from ....losses.masked import class_error
from ....networks.elements import ClassifiesElements, ClassifiesSome, DescribesElements
from ....networks.encoder import AbstractEncoder
from .base import AbstractMaskedTarget


@final
class RandomCodes(nn.Module):
    """argmax_c ⟨c, A (x, 1) / ‖A (x, 1)‖⟩ over random unit codes c, with a random matrix A: classes of any numbers.

    Nothing is learned. Numbers that an element has not (NaN) count as 0. The 1 beside the numbers lets their size
    count.

    Args:
        values: how many numbers an element has.
        codes: how many classes.
        dim: of the codes.

    Source: Chiu et al., "Self-supervised learning with random-projection quantizer" (BEST-RQ, 2022), with 16
    dimensions as there. It normalises numbers over the data set; the 1 is ours in place of that.
    """

    matrix: Tensor
    code_vectors: Tensor

    def __init__(self, values: int, codes: int, dim: int = 16) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)  # the same classes in every run
        self.register_buffer("matrix", torch.randn(values + 1, dim, generator=generator))
        vectors = torch.randn(codes, dim, generator=generator)
        self.register_buffer("code_vectors", nn.functional.normalize(vectors, dim=1))

    def forward(self, numbers: Float[Tensor, "batch elements values"]) -> Int[Tensor, "batch elements"]:
        """The class of every element."""
        with torch.autocast(numbers.device.type, enabled=False):
            rows = nn.functional.pad(numbers.float().nan_to_num(0.0), (0, 1), value=1.0) @ self.matrix
            return (nn.functional.normalize(rows, dim=-1) @ self.code_vectors.T).argmax(dim=-1)


@final
class OwnClass(AbstractMaskedTarget):
    """The class that an encoder gives (`ClassifiesElements`), or else random codes of the numbers that it gives.

    Where only some elements have classes (`ClassifiesSome`), the codes of the others are numbered behind these.

    Args:
        encoder: whose elements are predicted; it describes or classifies them.
        codes: how many random codes there are, where the elements have no classes.
    """

    def __init__(self, encoder: AbstractEncoder, codes: int) -> None:
        super().__init__()
        own = encoder.element_classes if isinstance(encoder, ClassifiesElements) else 0
        self.codes: RandomCodes | None = None
        everything = encoder.all_classified if isinstance(encoder, ClassifiesSome) else own > 0
        self.own = own
        if not everything:
            assert isinstance(encoder, DescribesElements)
            self.codes = RandomCodes(encoder.element_values, codes)
        self.outputs = own + (0 if everything else codes)

    @torch.no_grad()
    def wanted(self, encoder: AbstractEncoder, data: Any, tokens: FeatureMap) -> Shaped[Tensor, "batch elements ..."]:  # noqa: ARG002
        """The classes."""
        if self.codes is None:
            assert isinstance(encoder, ClassifiesElements)
            return encoder.classes_of_elements(data)
        assert isinstance(encoder, DescribesElements)
        codes: Tensor = self.codes(encoder.element_targets(data).values)
        if not self.own:
            return codes
        assert isinstance(encoder, ClassifiesElements)
        classes = encoder.classes_of_elements(data)
        return torch.where(classes < 0, self.own + codes, classes)

    def error(
        self, predicted: Float[Tensor, "rows outputs"], wanted: Shaped[Tensor, "rows ..."]
    ) -> Float[Tensor, " rows"]:
        """Cross-entropy."""
        return class_error(predicted, wanted)
