"""A finished run whose objects follow from clusters over a whole data set, in a folder: `gestalt regroup`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ..data.feature_map import FeatureMap
from ..discovery.cluster_foreground import ClusterForeground
from ..discovery.codebook import BACKGROUND, Codebook
from ..discovery.groupers.by_codebook import ByCodebook
from ..modality.base import AbstractModality
from ..modality.inferred import plain_encoder
from ..storage.naming import counted
from .clustered import attention_of, cluster_foreground, community_objects
from .config import RunConfig
from .fit import say
from .model import Model
from .output_folder import OutputFolder
from .regrouping import Regrouping
from .saving import load, save
from .seen import seen_by, write_seen
from .stream import Stream

WITH_FOREGROUND, WITHOUT = 200, 150
"""Clusters where some of them are background, and where all are merged: Leopart's numbers."""


def regroup(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    how: Regrouping | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Write a run with the network of another, whose background or objects are those of clusters over some data.

    The data are read twice, three times for both; labels and masks are not asked for.

    Args:
        run, paths, out, skip_bad, modality, device: as `discover`.
        how: see `Regrouping`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: see `cluster_foreground` and `community_objects`.
        OSError: if `out` cannot be written to, holds other files, or the run is none.

    Source: Leopart (Ziegler and Asano, 2022), cluster-based foreground extraction and community detection.
    """
    how = how or Regrouping()
    with OutputFolder(out, [run, *paths]).writing() as folder:
        model = load(run, device, modality)
        stream = Stream.of(model, paths, skip_bad)
        found = regrouped(model, stream, how)
        config = RunConfig.read(run)
        named = modality if isinstance(modality, str) else None
        save(folder, found, str(config.encoder["name"]), named, config.method, config.recipe, config.details)
        write_seen(folder, seen_by(run))
        if stream.skipped:
            stream.skipped[:] = dict.fromkeys(stream.skipped)  # what cannot be read is met in every pass
        left_out = stream.write_skipped(folder)
    print(f"{said_of(found)}; the run is in {out}{left_out}")
    return 0


def regrouped(model: Model[Any], stream: Stream[Any], how: Regrouping) -> Model[Any]:
    """The same run with the other finder."""
    items, skipped = stream.items, stream.skipped
    if how.foreground is not None:
        say(f"background: clusters of the elements of {counted(len(items), 'item')} (read twice)")
        salience = _salience(model, stream, how)
        clusters = how.clusters or WITH_FOREGROUND
        model = cluster_foreground(model, items, salience, how.quiet, clusters, how.background, how.seed, skipped)
    if how.communities:
        say(f"objects: which clusters lie beside one another in {counted(len(items), 'item')}")
        model = community_objects(
            model, items, how.clusters or WITHOUT, how.threshold, how.resolution, how.seed, skipped
        )
    return model


def _salience(model: Model[Any], stream: Stream[Any], how: Regrouping) -> Callable[[Any], FeatureMap] | None:
    if how.foreground == "attention":
        return attention_of(model)
    return plain_encoder(model.modality, stream.items).to(model.device) if how.foreground == "plain" else None


def said_of(model: Model[Any]) -> str:
    """What became of the clusters, in a line."""
    finder = model.finder
    assert finder is not None
    grouper, remover = finder.grouper, finder.background
    if isinstance(grouper, ByCodebook):
        book, made = grouper.codebook, f"{counted(int(grouper.codebook.objects.max()) + 1, 'object')} of "
    else:
        assert isinstance(remover, ClusterForeground)
        book, made = remover.codebook, ""
    return f"{made}{counted(book.clusters, 'cluster')}, {_background(book)} of them background"


def _background(book: Codebook) -> int:
    return int((book.objects == BACKGROUND).sum())
