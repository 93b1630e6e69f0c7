"""`--precision`: what an encoder in half precision changes in vectors, objects and predictions, and what not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.components.precision import Precision
from gestalt.core.components.registry import MODALITIES
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.half import check_precision, hidden
from gestalt.core.runs.blocks.shared import Sharing
from gestalt.core.runs.model import Model
from gestalt.core.runs.stream import Stream
from tests.implementations import ITEMS
from tests.test_blocks import InTurn
from tests.test_saving import MODALITY, model

SMALL = {
    "raw",
    "conv",
    "dilated",
    "unet",
    "transformer",
    "gin",
    "gine",
    "gcn",
    "gat",
    "jumping",
    "pointnet",
    "resnet18",
}
"""Encoders that are built in no time."""
TOLERANCE = 0.02
"""Of the vectors of an encoder, by their length: products of bfloat16 err by 2⁻⁹, and layers add up."""
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed")


@pytest.mark.parametrize("name", MODALITIES.names())
def test_vectors_in_half_precision_are_close_and_in_full_and_plain_numbers_stay_as_they_are(name: str) -> None:
    modality = load_modality(name)
    items = [specimen.item for specimen in modality.specimens()]
    for encoder in sorted(SMALL & modality.encoders.keys()):
        torch.manual_seed(0)
        network = Network(modality.encoders[encoder]()).eval()
        full, half = (hidden(network, modality.collate(items), which) for which in ("32-true", "bf16-mixed"))
        assert half.values.dtype == full.values.dtype == torch.float32
        assert torch.equal(half.valid, full.valid)
        exact, near = full.values[full.valid], half.values[half.valid]
        assert torch.equal(exact, near) == (encoder == "raw"), f"{encoder} computes in half, plain numbers do not"
        assert (near - exact).norm() < TOLERANCE * exact.norm(), encoder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A run with a task head, and more items than a batch holds."""
    gestalt.save(tmp_path / "run", model(target=True), "small")
    (tmp_path / "data").mkdir()
    for number, item in enumerate(ITEMS["points"](20)):
        (tmp_path / "data" / f"{number:02d}.txt").write_text(
            "\n".join(" ".join(map(repr, row)) for row in item.tolist())
        )
    return tmp_path


def loaded(there: Path, precision: Precision) -> Model[object]:
    return gestalt.load(there / "run", modality=MODALITY, precision=precision)


def test_a_model_in_half_precision_gives_near_vectors_predictions_and_mostly_the_same_objects(there: Path) -> None:
    full, half = loaded(there, "32-true"), loaded(there, "bf16-mixed")
    data = there / "data"
    for one, other in zip(full.embed(data), half.embed(data), strict=True):
        assert other.elements.dtype == one.elements.dtype
        assert not np.array_equal(one.elements, other.elements), "the option reaches the encoder"
        assert np.linalg.norm(one.elements - other.elements) < TOLERANCE * np.linalg.norm(one.elements)
    for said, in_half in zip(full.predict(data), half.predict(data), strict=True):
        assert in_half.scores == pytest.approx(said.scores, abs=TOLERANCE)
        assert in_half.scores != said.scores
    labels = [[one.labels for one in model.discover(data)] for model in (full, half)]
    agree = [float((one == other).float().mean()) for one, other in zip(*labels, strict=True)]
    assert np.mean(agree) > 0.9


def test_weights_stay_and_sums_are_not_rounded(there: Path) -> None:
    half = loaded(there, "bf16-mixed")
    features = next(half.encoded(there / "data")).features
    assert {parameter.dtype for parameter in half.network.parameters()} == {torch.float32}
    assert not torch.equal(features.values.mean(dim=1), features.values.mean(dim=1).bfloat16().float())


def test_an_index_is_in_full_precision_whatever_the_model_computes_in(there: Path) -> None:
    full, half = (loaded(there, which).index(there / "data", there / which) for which in PRECISIONS)
    everything = np.arange(len(full))
    assert torch.equal(full.vectors(everything), half.vectors(everything))


def test_workers_compute_in_the_precision_of_the_command_and_do_blocks_of_another_anew(there: Path) -> None:
    engine = InTurn()
    for precision, done in zip(PRECISIONS, (2, 4), strict=True):
        model = loaded(there, precision)
        stream = Stream.of(model, [there / "data"], False)
        shared = stream.shared(Sharing(engine, 4), there / "run", [there / "data"], MODALITY, there / "out")
        for mine, theirs in zip(stream, shared, strict=True):
            assert torch.equal(mine.features.values, theirs.features.values)
        assert engine.did == done


@pytest.mark.parametrize("command", ["embed", "discover", "predict", "evaluate", "types"])
def test_float16_is_refused_by_every_command_on_a_cpu(command: str, there: Path) -> None:
    options = ["--modality", "tests.test_saving:MODALITY", "--precision", "16-mixed", "--out", str(there / "out")]
    said = r"--precision 16-mixed is not to be had on cpu: .*float16.*; take --precision bf16-mixed or 32-true"
    with pytest.raises(ValueError, match=said):
        execute([command, str(there / "run"), str(there / "data"), *options])
    assert not (there / "out").exists()


def test_the_command_line_computes_in_the_precision_that_it_names(there: Path) -> None:
    for precision in PRECISIONS:
        given = ["embed", str(there / "run"), str(there / "data"), "--modality", "tests.test_saving:MODALITY"]
        assert execute([*given, "--precision", precision, "--out", str(there / precision)]) == 0
        model = loaded(there, precision)
        with np.load(there / precision / "vectors.npz") as found:
            assert np.array_equal(found["items"], np.stack([one.item for one in model.embed(there / "data")]))


def test_a_device_that_lacks_a_precision_is_named_with_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda emulated: emulated)
    with pytest.raises(ValueError, match=r"--precision bf16-mixed is not to be had on cuda: this GPU .* float32; take"):
        check_precision("bf16-mixed", "cuda", "--precision")
    with pytest.raises(
        ValueError, match=r"--precision bf16-mixed is not to be had on meta: .*; take --precision 32-true"
    ):
        check_precision("bf16-mixed", "meta", "--precision")
    with pytest.raises(ValueError, match="must be one of 32-true, bf16-mixed, 16-mixed, got 'half'"):
        check_precision("half", "cpu", "--precision")
    check_precision("32-true", "meta", "--precision")
    check_precision("bf16-mixed", "cpu", "--precision")
    with pytest.raises(ValueError, match="16-mixed"):
        replace(model(), precision="16-mixed")
