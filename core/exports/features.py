"""A finished run as a transformer of scikit-learn: items in, a vector each out."""

from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..runs.inputs import paths_of
from ..runs.saving import load
from ..runs.spaces import Space, in_space


@final
class GestaltFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Vectors of items by a finished run, within a pipeline of scikit-learn.

    The encoder has learned already: `fit` opens the run and reads nothing of `X`. Items that cannot be read are errors,
    since a row for every item is what scikit-learn counts on.

    Args:
        run: folder of a finished run.
        space: `hidden`, or `compared`: where items were compared in training.
        device: where the network runs.
        modality: the run's modality as package.module:OBJECT, where it is not installed.

    Example: names of sounds from a few labelled ones.

        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        model = make_pipeline(GestaltFeatures("runs/mine"), LogisticRegression())
        model.fit(["owl1.wav", "frog1.wav"], ["owl", "frog"])
    """

    def __init__(
        self,
        run: Path | str | None = None,
        space: Space = "hidden",
        device: str = "cpu",
        modality: str | None = None,
    ) -> None:
        self.run = run
        self.space = space
        self.device = device
        self.modality = modality

    def fit(self, X: Any, y: Any = None) -> "GestaltFeatures":  # noqa: ARG002
        """Open the run.

        Raises:
            ValueError: if none is named.
            FileNotFoundError: if the folder is no finished run.
        """
        if self.run is None:
            raise ValueError("GestaltFeatures needs the folder of a finished run: GestaltFeatures('runs/mine')")
        self.model_ = load(self.run, self.device, self.modality)
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "items dim"]:
        """One row per item.

        Args:
            X: paths of files, one item each, or items in whatever holds them, see `items_of`.

        Raises:
            ValueError: if a file holds several items (a long recording): their rows could not be told apart.
        """
        check_is_fitted(self)
        space: Space = self.space  # type: ignore[assignment, unused-ignore]  # pyright: ignore[reportAssignmentType]
        found = self.model_.embed(X, space=space)
        paths = paths_of(X)
        if paths is not None and len(paths) != len(found):
            raise ValueError(
                f"{len(paths)} paths hold {len(found)} items: rows would not be those of the paths. Name files of "
                "one item each, or pass the items themselves"
            )
        rows: Float[np.ndarray, "items dim"] = np.stack([one.item.numpy() for one in found])
        return rows

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """`gestalt0`, `gestalt1`, …: one per number of a vector."""
        check_is_fitted(self)
        space: Space = self.space  # type: ignore[assignment, unused-ignore]  # pyright: ignore[reportAssignmentType]
        bring = in_space(space, self.model_.network, self.model_.heads)
        dim = bring(torch.zeros(1, self.model_.encoder.dim)).shape[1]
        return np.array([f"gestalt{number}" for number in range(dim)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Items are no rows of numbers, and nothing is learned from them."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.no_validation = True
        return tags
