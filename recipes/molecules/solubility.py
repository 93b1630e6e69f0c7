"""How well a molecule's vector predicts its solubility, beside fingerprints and descriptors."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from rdkit.Chem import rdFingerprintGenerator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from gestalt.core.evaluation import FineTuning, fine_tune, item_vectors, label_fraction
from gestalt.core.methods.computed.scores import NormalScores
from gestalt.core.methods.targets import Values
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.graph import MODALITY, Graph, molecule_of

from .truth import Measured, Split, Truth

PENALTIES = np.logspace(-1, 4, 11)
"""Ridge chooses among these on the training molecules alone, each left out in turn."""
FEW = 0.1
"""The share of the labels where they are few; results are means over `DRAWS` draws of them."""
DRAWS = 3

Vectors = Float[np.ndarray, "items dim"]
Learned = Float[np.ndarray, "learned dim"]
Asked = Float[np.ndarray, "asked dim"]
Featurise = Callable[[Measured], Vectors]


def splits_of(truth: Truth) -> Mapping[str, Split]:
    """Both splits, with what their columns begin with."""
    return {"": truth.given, "scaffold ": truth.scaffolds}


def draws(split: Split, seed: int) -> list[Int[Tensor, " shown"]]:
    """The molecules whose labels are shown where these are few."""
    return [label_fraction(split.learn.values, FEW, DRAWS * seed + draw) for draw in range(DRAWS)]


def from_vectors(encoder: AbstractEncoder, truth: Truth, seed: int) -> dict[str, float]:
    """Ridge and logistic regression on standardised frozen vectors: mean and sum over the atoms."""
    return by_line(
        lambda part: item_vectors(encoder, part.items, MODALITY.collate, sums=True).double().numpy(), truth, seed
    )


def by_line(featurise: Featurise, truth: Truth, seed: int) -> dict[str, float]:
    """What a straight line reads off, on both splits, with all labels and with few."""
    found: dict[str, float] = {}
    for name, split in splits_of(truth).items():
        learn, ask, values = featurise(split.learn), featurise(split.ask), split.learn.values.numpy()
        found[f"{name}probe RMSE"] = _ridge(learn, values, ask, split.ask)
        few = [
            _ridge(learn[rows], values[rows], ask, split.ask) for rows in (one.numpy() for one in draws(split, seed))
        ]
        found[f"{name}probe RMSE, few"] = float(np.mean(few))
        if not name:
            found["probe AUC"] = _logistic(learn, ask, split)
    return found


def tuned(encoder: AbstractEncoder, truth: Truth, options: FineTuning, seed: int) -> dict[str, float]:
    """Encoder and head trained together, on both splits, with all labels and with few."""
    found: dict[str, float] = {}
    for name, split in splits_of(truth).items():
        everything = torch.arange(len(split.learn.items))
        found[f"{name}tuned RMSE"] = _tuned(encoder, split, everything, options)
        found[f"{name}tuned RMSE, few"] = float(
            np.mean([_tuned(encoder, split, rows, options) for rows in draws(split, seed)])
        )
    return found


def _tuned(encoder: AbstractEncoder, split: Split, rows: Int[Tensor, " shown"], options: FineTuning) -> float:
    learn, ask = split.learn, split.ask
    return fine_tune(
        encoder,
        [*learn.items, *ask.items],
        Values(("log S",)),
        torch.cat([learn.values, ask.values])[:, None],
        rows,
        torch.arange(len(learn.items), len(learn.items) + len(ask.items)),
        MODALITY.collate,
        options,
    )["rmse"]


def rules(truth: Truth, seed: int) -> dict[str, dict[str, float]]:
    """Counts of Morgan's circular substructures (radius 2, 2048 places) with ridge and with random forests, and the
    descriptors that are the computed targets, by their normal scores, with ridge.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)

    def counts(part: Measured) -> Vectors:
        rows = [generator.GetCountFingerprintAsNumPy(molecule_of(smiles)) for smiles in part.smiles]
        return np.stack(rows).astype(np.float64)

    learn, ask, given = counts(truth.given.learn), counts(truth.given.ask), truth.given
    forest = RandomForestRegressor(300, random_state=seed, n_jobs=1).fit(learn, given.learn.values)
    named = RandomForestClassifier(300, random_state=seed, n_jobs=1).fit(learn, given.learn.classes)
    return {
        "Morgan fingerprints, linear": by_line(counts, truth, seed),
        "Morgan fingerprints, random forest": {
            "probe RMSE": _rmse(forest.predict(ask), given.ask),
            "probe AUC": _auc(named.predict_proba(ask), given.ask),
        },
        "descriptors, linear": by_line(_scored(truth.given.learn.items), truth, seed),
    }


def _scored(fitted_to: Sequence[Graph]) -> Featurise:
    """Descriptors as normal scores; what cannot be computed is taken for the median."""

    def rows(items: Sequence[Graph]) -> Float[Tensor, "items descriptors"]:
        found = torch.tensor([list(MODALITY.computed(item).values()) for item in items], dtype=torch.float64).float()
        return torch.where(found.isfinite(), found, torch.nan)

    known = rows(fitted_to)
    scores = NormalScores(known.shape[1])
    scores.fit(known)
    return lambda part: scores(rows(part.items)).nan_to_num().double().numpy()


def _ridge(learn: Learned, values: Float[np.ndarray, " learned"], ask: Asked, asked: Measured) -> float:
    return _rmse(make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(learn, values).predict(ask), asked)


def _logistic(learn: Learned, ask: Asked, split: Split) -> float:
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    with warnings.catch_warnings():
        # Vectors that hardly differ converge slowly; the score says what matters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        logistic.fit(learn, split.learn.classes.numpy())
    return _auc(logistic.predict_proba(ask), split.ask)


def _rmse(predicted: Float[np.ndarray, " items"], part: Measured) -> float:
    return float(np.sqrt(((predicted - part.values.numpy()) ** 2).mean()))


def _auc(chances: Float[np.ndarray, "items classes"], part: Measured) -> float:
    return float(roc_auc_score(part.classes.numpy(), chances, multi_class="ovr"))
