"""Molecules of known solubility."""

import csv
from importlib.resources import files

import torch

from gestalt.modalities.graph import MODALITY, Graph, graph_of, molecule_of

from ..labelled_data import LabelledData


def molecules() -> LabelledData:
    """By the given split: is a molecule's solubility in water low, medium or high?"""
    items, labels = _read("solubility_train.csv")
    test, test_labels = _read("solubility_test.csv")
    return LabelledData(
        name="graph",
        question="the class of a molecule's solubility in water",
        classes=("low", "medium", "high"),
        modality=MODALITY,
        views=MODALITY.views,
        items=items,
        labels=torch.tensor(labels),
        test_items=test,
        test_labels=torch.tensor(test_labels),
        encoder="gine",
    )


def _read(name: str) -> tuple[list[Graph], list[int]]:
    """The molecules of a table, and their classes (A), (B), (C) as numbers."""
    text = (files("gestalt.recipes") / "samples" / "graph" / name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return [graph_of(molecule_of(row["smiles"])) for row in rows], [ord(row["class"][1]) - ord("A") for row in rows]
