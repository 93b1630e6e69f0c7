"""Heads: small networks on the vectors of objects."""

from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..components.ranges import Between, Count, Width, check_ranges
from .norm import MaskedBatchNorm


@final
class MLP(nn.Module):
    """Linear, batch normalisation, ReLU, Linear without bias: the head of BYOL, DetCon and Odin.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layer.
        outputs: length of the result.
        first: of longer vectors it sees one level alone, that from this component on; None: vectors are `inputs` long.

    Source: BYOL, section 3.3; the normalisation runs over all ranks, as in the authors' code.
    """

    def __init__(
        self, inputs: Width, hidden: Width, outputs: Width, first: Annotated[int, Between(0, 65536)] | None = None
    ) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs, self.first = inputs, hidden, outputs, first
        check_ranges(self)
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden),
            MaskedBatchNorm(hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, outputs, bias=False),
        )

    def forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows outputs"]:
        """One vector per row."""
        own = rows if self.first is None else rows[:, self.first : self.first + self.inputs]
        projected: Tensor = self.layers(own)
        return projected


@final
class DeepMLP(nn.Module):
    """Linear, GELU, Linear, GELU, Linear: the head of DINO and iBOT up to its bottleneck; prototypes follow.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layers.
        outputs: of the bottleneck.

    Source: DINO's code, without batch normalisation. Weights start from a truncated normal distribution of 0.02 there,
    of 1/√inputs here: the same for 2048 inputs, while in a narrow head 0.02 would leave little but the biases.
    """

    def __init__(self, inputs: Width, hidden: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs = inputs, hidden, outputs
        check_ranges(self)
        first, second, third = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)
        for layer in (first, second, third):
            nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(first, nn.GELU(), second, nn.GELU(), third)

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """One vector per row."""
        projected: Tensor = self.layers(rows)
        return projected


@final
class LinearHead(nn.Module):
    """W h + b: the head of a task network.

    Args:
        inputs: length of the vectors.
        outputs: numbers that the target asks for.
    """

    def __init__(self, inputs: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        check_ranges(self)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """One vector per row."""
        predicted: Tensor = self.linear(rows)
        return predicted


@final
class EmbeddingAndClasses(nn.Module):
    """[g(h), W h + b]: an embedding, and behind it the logits of classes, both of the same vectors.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layer of g.
        embedding: length of the embedding.
        classes: how many there are.
    """

    def __init__(self, inputs: Width, hidden: Width, embedding: Width, classes: Width) -> None:
        super().__init__()
        self.inputs, self.hidden, self.embedding, self.classes = inputs, hidden, embedding, classes
        check_ranges(self)
        self.projector = MLP(inputs, hidden, embedding)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """One vector per row, of embedding + classes numbers."""
        return torch.cat([self.projector(rows), self.classifier(rows)], dim=1)


@final
class StepPredictors(nn.Module):
    """W_k c: a linear map for each of several steps ahead.

    Args:
        inputs: length of the vectors.
        outputs: length of what is predicted.
        steps: how many maps there are.
    """

    def __init__(self, inputs: Width, outputs: Width, steps: Count) -> None:
        super().__init__()
        self.inputs, self.outputs, self.steps = inputs, outputs, steps
        check_ranges(self)
        self.maps = nn.ModuleList(nn.Linear(inputs, outputs, bias=False) for _ in range(steps))

    def forward(self, rows: Float[Tensor, "*rows inputs"], step: int) -> Float[Tensor, "*rows outputs"]:
        """What is predicted `step` + 1 steps ahead."""
        predicted: Tensor = self.maps[step](rows)
        return predicted
