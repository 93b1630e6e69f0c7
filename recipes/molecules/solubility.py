"""How well a molecule's vector predicts its solubility, beside fingerprints."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from rdkit.Chem import rdFingerprintGenerator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gestalt.core.evaluation import FineTuning, fine_tune
from gestalt.core.methods.targets import Values
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.modes import evaluating
from gestalt.modalities.graph import MODALITY, Graph, molecule_of

from .truth import Measured, Truth

PENALTIES = np.logspace(-1, 4, 11)
"""Ridge chooses among these on the training molecules alone, each left out in turn."""

Vectors = Float[np.ndarray, "items dim"]


def pooled(encoder: AbstractEncoder, items: Sequence[Graph], chunk: int = 64) -> Vectors:
    """For every molecule the mean and the sum of its atoms' frozen vectors: what it is like, and how much of it."""
    rows = []
    with evaluating(encoder):
        for start in range(0, len(items), chunk):
            features = encoder(MODALITY.collate(items[start : start + chunk]))
            total = torch.where(features.valid[..., None], features.values, 0.0).sum(dim=1)
            rows.append(torch.cat([total / features.valid.sum(dim=1, keepdim=True).clamp(min=1), total], dim=1))
    return torch.cat(rows).double().numpy()


def from_vectors(encoder: AbstractEncoder, truth: Truth) -> dict[str, float]:
    """Ridge and logistic regression on standardised frozen vectors."""
    return _linear(pooled(encoder, truth.learn.items), pooled(encoder, truth.ask.items), truth)


def tuned(encoder: AbstractEncoder, truth: Truth, steps: int, seed: int) -> dict[str, float]:
    """Encoder and head trained together on the measured molecules."""
    learn, ask = truth.learn, truth.ask
    rows = torch.arange(len(learn.items) + len(ask.items))
    score = fine_tune(
        encoder,
        [*learn.items, *ask.items],
        Values(("log S",)),
        torch.cat([learn.values, ask.values])[:, None],
        rows[: len(learn.items)],
        rows[len(learn.items) :],
        MODALITY.collate,
        FineTuning(steps=steps, batch=64, lr=1e-3, warmup=min(10, steps), seed=seed),
    )
    return {"tuned RMSE": score["rmse"]}


def fingerprints(truth: Truth, seed: int) -> dict[str, dict[str, float]]:
    """Counts of Morgan's circular substructures (radius 2, 2048 places) with ridge and with random forests."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    learn, ask = (_counts(generator, part) for part in (truth.learn, truth.ask))
    forest = RandomForestRegressor(300, random_state=seed, n_jobs=1).fit(learn, truth.learn.values)
    named = RandomForestClassifier(300, random_state=seed, n_jobs=1).fit(learn, truth.learn.classes)
    return {
        "Morgan fingerprints, linear": _linear(learn, ask, truth),
        "Morgan fingerprints, random forest": {
            "probe RMSE": _rmse(forest.predict(ask), truth.ask),
            "probe AUC": _auc(named.predict_proba(ask), truth.ask),
        },
    }


def _counts(generator: Any, part: Measured) -> Vectors:
    rows = [generator.GetCountFingerprintAsNumPy(molecule_of(smiles)) for smiles in part.smiles]
    return np.stack(rows).astype(np.float64)


def _linear(
    learn: Float[np.ndarray, "learned dim"], ask: Float[np.ndarray, "asked dim"], truth: Truth
) -> dict[str, float]:
    ridge = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(learn, truth.learn.values.numpy())
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    with warnings.catch_warnings():
        # Vectors that hardly differ converge slowly; the score says what matters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        logistic.fit(learn, truth.learn.classes.numpy())
    return {
        "probe RMSE": _rmse(ridge.predict(ask), truth.ask),
        "probe AUC": _auc(logistic.predict_proba(ask), truth.ask),
    }


def _rmse(predicted: Float[np.ndarray, " items"], part: Measured) -> float:
    return float(np.sqrt(((predicted - part.values.numpy()) ** 2).mean()))


def _auc(chances: Float[np.ndarray, "items classes"], part: Measured) -> float:
    return float(roc_auc_score(part.classes.numpy(), chances, multi_class="ovr"))
