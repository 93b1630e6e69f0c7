"""A run whose method wants transplants gets them, and other methods' numbers stay as they were."""

from pathlib import Path

import pytest

from gestalt.cli.commands import execute
from gestalt.core.data.transplants import Transplants
from gestalt.core.methods.detcon import DetConB
from gestalt.core.storage.names_of_runs import METRICS
from tests.test_masks_run import DETCON, images, pictures

__all__ = ["pictures"]


def losses(pictures: Path, out: Path) -> bytes:
    assert execute(images(pictures, out, *DETCON)) == 0
    return (out / METRICS).read_bytes()


def test_a_method_with_transplants_learns_from_composed_pictures(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DetCon, given the attribute that such a method has."""
    plain = losses(pictures, tmp_path / "plain")
    monkeypatch.setattr(DetConB, "transplants", Transplants(chance=0.0), raising=False)
    assert losses(pictures, tmp_path / "never") == plain
    monkeypatch.setattr(DetConB, "transplants", Transplants())
    assert losses(pictures, tmp_path / "some") != plain
