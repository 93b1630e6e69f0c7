"""What is exported is opened by the other library alone, and gives there what the encoder gives here."""

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation.table import Column, Table
from gestalt.core.exports.base import Trained, Written
from gestalt.core.exports.card import card
from gestalt.core.exports.onnx_program import OnnxProgram
from gestalt.core.exports.program import outputs_of
from gestalt.core.exports.tensors import tensor_inputs
from gestalt.core.exports.torch_program import TorchProgram
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import joint
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.runs.model import Model
from gestalt.core.storage.atomic import write_text
from gestalt.core.training.options import Training
from tests.tiny_runs import tiny_run
from tests.toy import toy
from tests.toy_encoders import Ragged

POINTS = toy("points")
"""What the command line names."""

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "audio": ("conv", {"width": 8, "kernels": [3], "mels": 16}),
    "image": ("conv", {"width": 8, "kernels": [3]}),
    "text": ("transformer", {"width": 8, "depth": 1, "heads": 2, "grams": [2], "buckets": 64}),
}
"""One encoder of each modality, as small as it can be."""


def trained(modality: AbstractModality[Any], encoder: AbstractEncoder) -> Trained:
    return Trained(modality, encoder, None, tuple(one.item for one in modality.specimens()))


def small(name: str) -> Trained:
    torch.manual_seed(0)
    modality = installed_modality(name)
    encoder, settings = SMALL[name]
    return trained(modality, modality.encoders[encoder](**settings).eval())


def new_batches(one: Trained) -> list[Any]:
    """Batches of other numbers of items, and of other lengths, than any that the export has seen."""
    items = [specimen.item for specimen in one.modality.specimens()]
    chain = one.modality.transforms["small_crop"]
    cut = [chain(item, np.random.default_rng(number))[0] for number, item in enumerate(items)]
    return [one.modality.collate(cut[:1] * 7), one.modality.collate(cut[1:2])]


def assert_equal(one: Trained, batch: Any, given: Mapping[str, Any]) -> None:
    with torch.no_grad():
        wanted = outputs_of(one.encoder(batch))
    assert set(given) == set(wanted)
    for name, value in wanted.items():
        torch.testing.assert_close(torch.as_tensor(given[name]), value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_onnxruntime_gives_what_the_encoder_gives_for_any_number_and_length(name: str, tmp_path: Path) -> None:
    one = small(name)
    OnnxProgram().write(one, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    outputs = [out.name for out in session.get_outputs()]
    for batch in new_batches(one):
        inputs = tensor_inputs(one.modality, batch)
        given = {key: tensor.numpy() for key, tensor in zip(inputs.axes, inputs.take(batch), strict=True)}
        assert_equal(one, batch, dict(zip(outputs, session.run(outputs, given), strict=True)))
        # Axes are called after what they count, and have the lengths of the data where these can be no others.
        said = [axis for given in session.get_inputs() for axis in given.shape]
        assert "batch" in said
        assert not any(re.fullmatch(r"s\d+", str(axis)) for axis in said)


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch of its own file
def test_a_program_of_torch_gives_what_the_encoder_gives_without_this_package(tmp_path: Path) -> None:
    one = small("text")
    TorchProgram().write(one, tmp_path)
    program = torch.export.load(tmp_path / "encoder.pt2").module()
    assert not any("gestalt" in str(type(part)) for part in program.modules())
    for batch in new_batches(one):
        given: dict[str, Tensor] = program(*tensor_inputs(one.modality, batch).take(batch))
        assert_equal(one, batch, given)


@final
class Deciding(AbstractEncoder):
    """An encoder that asks how large its numbers are, as no program can."""

    dim = 2

    def forward(self, data: Ragged) -> FeatureMap:
        """Twice the numbers where their sum is large."""
        return FeatureMap(data.values if float(data.values.sum()) < 100 else data.values * 2, data.valid)


@final
class Drifting(AbstractEncoder):
    """An encoder that gives other numbers as a program."""

    dim = 2

    def forward(self, data: Ragged) -> FeatureMap:
        """The numbers, and a little more where they are traced."""
        return FeatureMap(data.values + 0.01 * torch.compiler.is_exporting(), data.valid)


def of_points(encoder: AbstractEncoder) -> Model[Any]:
    return Model(POINTS, gestalt.Network(encoder).eval(), {})


@pytest.mark.parametrize(
    ("encoder", "reason"), [(Deciding(), "cannot be a program"), (Drifting(), "gives other vectors")]
)
def test_what_would_be_wrong_as_a_program_is_refused_and_nothing_is_written(
    encoder: AbstractEncoder, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(
        ValueError, match=rf"{type(encoder).__name__} .*{reason}.*export it in another format. This encoder can be"
    ):
        of_points(encoder).export("torch", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_encoders_of_other_items_than_the_modality_shows_ask_for_examples(tmp_path: Path) -> None:
    grey = Model(
        installed_modality("image"), gestalt.Network(installed_modality("image").encoders["conv"](channels=1)), {}
    )
    with pytest.raises(ValueError, match=r"specimens of image are not what this encoder takes .* --examples PATH"):
        grey.export("torch", tmp_path)


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that learned from points, exported."""
    folder = tmp_path_factory.mktemp("points")
    items = [torch.randn(5, 2, generator=torch.Generator().manual_seed(number)) for number in range(8)]
    gestalt.train(items, modality=POINTS, encoder="small", training=Training(steps=2, batch=4), out=folder / "run")
    write_text(folder / "run" / "table.json", Table.of("Scores", (Column("ARI"),), {"Odin": [0.25]}).to_json())
    gestalt.load(folder / "run", modality=POINTS).export("torch", folder / "out", licence="CC-BY-4.0")
    return folder


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # once per process, as above
def test_the_model_card_says_data_method_numbers_licence_and_how_to_load(points: Path) -> None:
    text = (points / "out" / "README.md").read_text(encoding="utf-8")
    for part in (
        'license: "CC-BY-4.0"',
        "8 items",
        "odin",
        "ARI",
        "0.25",
        "gestalt run objects",
        '"steps": 2',
        "# small",
    ):
        assert part in text
    assert str(points) not in text
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {"values": torch.randn(3, 4, 2), "given_valid": torch.ones(3, 4, dtype=torch.bool)}
    with contextlib.chdir(points / "out"):
        exec(code, names)
    assert names["found"]["vectors"].shape[:2] == (3, 4)  # type: ignore[index]


def test_a_program_that_onnxruntime_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("NOT_IMPLEMENTED: Col2Im\nmore")

    monkeypatch.setattr(onnxruntime, "InferenceSession", Refusing)
    with pytest.raises(ValueError, match=r"Conv .*onnxruntime.*NOT_IMPLEMENTED: Col2Im.*--to torch"):
        OnnxProgram().write(small("image"), tmp_path)


def test_the_command_exports_and_says_which_formats_fit(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["export", str(points / "run"), "--modality", "tests.test_exports:POINTS"]
    assert execute(run) == 0
    assert re.search(r"^torch +encoders of tensors", capsys.readouterr().out, re.MULTILINE)
    assert execute([*run, "--to", "torch", "--out", str(points / "again")]) == 0
    assert {path.name for path in (points / "again").iterdir()} >= {"encoder.pt2", "README.md"}
    with pytest.raises(ValueError, match="did you mean 'torch'"):
        execute([*run, "--to", "torhc"])


def test_the_model_card_names_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patients").mkdir()
    (tmp_path / "patients" / "one.txt").write_text("So far.\nSilence.\nThe old man.\nThe sea.\n")
    training = Training(steps=1, batch=2, workers=0)
    gestalt.train("patients", modality="text", encoder="conv", training=training, out="attempt")
    one = Trained(POINTS, Deciding(), Path("attempt"), ())
    config = json.loads(Path("attempt/config.json").read_text())
    config["encoder"]["settings"] |= {"checkpoint": "mine.safetensors", "kernels": [3, 3]}
    config["method"] |= {"source": "/home/me/weights"}
    write_text(Path("attempt/config.json"), json.dumps(config))
    text = card(one, "torch", Written("import torch"), None)
    assert [word for word in ("patients", "attempt", "mine.safetensors", "/home/me") if word in text] == []
    assert all(word in text for word in ('"kernels"', '"steps": 1', '"optimizer": "adamw"', '"type": "method:odin'))


def test_no_input_of_a_program_is_called_as_an_output() -> None:
    """A batch may have a field `valid`, too: ONNX takes no name twice."""

    @dataclasses.dataclass(frozen=True)
    class Rows:
        values: Tensor
        valid: Tensor

    rows = Rows(torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool))
    inputs = tensor_inputs(None, rows)
    assert list(inputs.axes) == ["values", "given_valid"]
    assert torch.equal(inputs.make(inputs.take(rows)).valid, rows.valid)


def test_what_torch_says_to_its_developers_is_not_shown_and_other_formats_are_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    with pytest.raises(ValueError, match=r"cannot be a program.*This encoder can be exported to: nothing"):
        of_points(Deciding()).export("onnx", tmp_path / "out")
    assert "torch.ops.aten" not in "".join(capfd.readouterr())


def test_items_with_parts_are_no_tensors_and_no_program_is_offered_for_them(tmp_path: Path) -> None:
    both = joint(image=installed_modality("image"), text=installed_modality("text"))
    model = Model(both, gestalt.Network(both.encoders["joint"](dim=16)).eval(), {})
    with pytest.raises(ValueError, match=r"a program takes tensors, and .* hold none.*exported to: nothing"):
        model.export("onnx", tmp_path / "out")


@pytest.mark.skipif(os.name != "posix", reason="no limit to the size of files")
@pytest.mark.parametrize("to", ["torch", "onnx", "transformers"])
def test_a_full_disk_is_named_and_nothing_stays(to: str, tmp_path: Path) -> None:
    import resource

    encoder, settings = SMALL["text"]
    model = gestalt.load(tiny_run(tmp_path / "run", installed_modality("text"), encoder, **settings))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        with pytest.raises(OSError, match=r"out: the disk is full .*Free some space"):
            model.export(to, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out").exists()
