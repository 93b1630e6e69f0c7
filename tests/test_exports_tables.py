"""Encoders of rows of tables leave in every form that fits, and give there what they give here."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas
import pytest
import safetensors.torch
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import AutoModel

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.exports.program import outputs_of
from gestalt.core.exports.tensors import tensor_inputs
from tests.table_files import visits, write_csv

Shown = tuple[Any, dict[str, torch.Tensor], dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that learned from a table."""
    folder = tmp_path_factory.mktemp("table")
    write_csv(folder / "visits.csv", visits(24))
    few = gestalt.Training(steps=1, batch=8, warmup=0, workers=0, accelerator="cpu")
    gestalt.train(folder / "visits.csv", modality="table", method="byol", out=folder / "run", training=few)
    return folder / "run"


@pytest.fixture(scope="module")
def shown(run: Path) -> Shown:
    """The model, the tensors of other rows than were seen, and what the encoder gives for them."""
    model = gestalt.load(run)
    items = gestalt.items_of(pandas.DataFrame(visits(5, seed=1)), model.modality)
    batch = model.modality.collate([items.read(number, np.random.default_rng(0)) for number in range(5)])
    inputs = tensor_inputs(model.modality, batch)
    with torch.no_grad():
        wanted = outputs_of(model.encoder.eval()(batch))
    return model, dict(zip(inputs.axes, inputs.take(batch), strict=True)), wanted


def test_what_fits_is_listed_without_examples(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["export", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "does not fit" not in line] == ["onnx", "torch", "transformers"]


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch of its own file
def test_a_program_of_torch_gives_the_vectors_of_other_rows(shown: Shown, tmp_path: Path) -> None:
    model, tensors, wanted = shown
    model.export("torch", tmp_path / "out")
    found = torch.export.load(tmp_path / "out/encoder.pt2").module()(*tensors.values())
    torch.testing.assert_close(found["vectors"], wanted["vectors"], rtol=1e-4, atol=1e-4)


def test_onnxruntime_gives_the_vectors_of_other_rows(shown: Shown, tmp_path: Path) -> None:
    model, tensors, wanted = shown
    model.export("onnx", tmp_path / "out")
    session = onnxruntime.InferenceSession(tmp_path / "out/encoder.onnx")
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(names, {name: one.numpy() for name, one in tensors.items()}), strict=True))
    torch.testing.assert_close(torch.as_tensor(found["vectors"]), wanted["vectors"], rtol=1e-4, atol=1e-4)


def test_transformers_opens_the_encoder_with_its_schema(shown: Shown, tmp_path: Path) -> None:
    model, tensors, wanted = shown
    model.export("transformers", tmp_path / "out")
    found = AutoModel.from_pretrained(tmp_path / "out", local_files_only=True)(**tensors)
    torch.testing.assert_close(found.last_hidden_state, wanted["vectors"], rtol=1e-4, atol=1e-4)
    assert "given_valid=given_valid" in (tmp_path / "out/README.md").read_text()


def test_scikit_learn_takes_a_data_frame(run: Path, shown: Shown) -> None:
    frame = pandas.DataFrame(visits(20, seed=2))
    classifier: Any = make_pipeline(gestalt.GestaltFeatures(str(run)), LogisticRegression())
    classifier.fit(frame, frame["outcome"])
    assert set(classifier.predict(frame[:3])) <= {"ill", "well"}
    vectors = np.stack([one.item.numpy() for one in shown[0].embed(frame)])
    np.testing.assert_allclose(classifier[0].transform(frame), vectors, rtol=1e-5, atol=1e-6)


def test_the_state_dict_of_a_run_is_that_of_the_encoder_built_by_its_settings(run: Path, shown: Shown) -> None:
    model, _, _ = shown
    state = safetensors.torch.load_file(run / "model.safetensors")
    own = model.encoder.state_dict()
    kept = {name: value for name, value in state.items() if name.startswith("encoder.")}
    assert {name.removeprefix("encoder.") for name in kept} == set(own)
    assert all(torch.equal(own[name.removeprefix("encoder.")], value) for name, value in kept.items())


def test_a_modality_that_knows_its_schema_shows_rows_of_it(shown: Shown) -> None:
    modality = shown[0].modality
    items = [one.item for one in modality.specimens()]
    assert {item.schema.digest for item in items} == {shown[0].encoder.digest}
    assert len({tuple(item.texts()) for item in items}) == 3
    changed = modality.specimens()[0].mark(2)
    assert [one == other for one, other in zip(items[0].texts(), changed.texts(), strict=True)].count(False) == 1
