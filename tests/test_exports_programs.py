"""Encoders that ask how long their data are, what is padding, or which sub-words words have, are programs too."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

import gestalt
from gestalt.core.exports.base import Trained
from gestalt.core.exports.onnx_program import OnnxProgram
from gestalt.core.exports.program import compare_outputs, outputs_of
from gestalt.core.exports.tensors import inputs_of, tensor_inputs
from gestalt.core.modality.plugins import installed_modality
from gestalt.modalities.text import train_tokenizer
from tests.tiny_runs import tiny_run

TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
LEARNED = train_tokenizer([one.item for one in installed_modality("text").specimens()], size=300)
VIDEOMAE = TINY | {"image_size": 16, "patch_size": 8, "num_frames": 4, "tubelet_size": 2}
DILATED = {"width": 8, "membership": 4, "types": 4, "dilations": [1, 2], "mels": 16}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "dilated, around each element": ("audio", "dilated", DILATED | {"around": 0.5}),
    "dilated, over whole recordings": ("audio", "dilated", DILATED | {"around": 0.0, "norm": "row"}),
    "a U-Net of recordings": ("audio", "unet", {"widths": [4, 8], "dim": 4, "mels": 16}),
    "a ResNet of recordings": ("audio", "resnet18", {"mels": 32}),
    "GINE": ("graph", "gine", {"width": 8, "layers": 2}),
    "GIN": ("graph", "gin", {"width": 8, "layers": 1}),
    "GCN": ("graph", "gcn", {"width": 8, "layers": 1}),
    "GAT": ("graph", "gat", {"width": 8, "layers": 1, "heads": 2}),
    "all depths of GINE": ("graph", "jumping", {"width": 8, "dim": 4, "layers": 1}),
    "features of nodes": ("graph", "raw", {"hops": 1}),
    "a network of points": ("points", "pointnet", {"width": 8, "layers": 2, "near": 4}),
    "a U-Net of clips": ("video", "unet", {"widths": [4, 8], "dim": 4}),
    "convolutions on clips": ("video", "conv", {"width": 8, "blocks": 1, "stride": 4, "finer": 2}),
    "a transformer of clips": ("video", "transformer", {"width": 8, "depth": 1, "heads": 2}),
    "MViT": ("video", "mvit_v2_s", {"frames": 2, "side": 32}),
    "VideoMAE": ("video", "videomae", {"config": VIDEOMAE}),
    "BERT": ("text", "bert", {"config": TINY}),
    "RoBERTa, of sub-words that it learned": ("text", "roberta", {"config": TINY, "tokenizer": LEARNED}),
    "DistilBERT": ("text", "distilbert", {"config": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16}}),
    "AST": ("audio", "ast", {"config": TINY | {"max_length": 208}}),
}


def learned(name: str) -> Trained:
    """An encoder whose weights and running statistics are none that it begins with."""
    modality_name, encoder, settings = CASES[name]
    torch.manual_seed(0)
    modality = installed_modality(modality_name)
    built = modality.encoders[encoder](**settings)
    items = tuple(one.item for one in modality.specimens())
    with torch.no_grad():
        for weights in built.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
        built.train()(modality.collate(items))
    return Trained(modality, built.eval(), None, items)


def others(one: Trained) -> list[Any]:
    """A batch of other lengths than any specimen's, and each of its items by itself."""
    chain = one.modality.transforms["small_crop"]
    cut = [chain(specimen, np.random.default_rng(number))[0] for number, specimen in enumerate(one.examples)]
    together = [] if one.modality.name == "video" else [cut]
    return [one.modality.collate(some) for some in (*together, *([item] for item in cut), [cut[0]] * 4)]


IN_SHORT = ("dilated, around each element", "GINE", "GAT", "a network of points", "convolutions on clips")
"""Those that every run of the tests makes; the others with `-m long`."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in IN_SHORT else [pytest.mark.long]) for name in CASES]
)
def test_onnxruntime_gives_what_the_encoder_gives_for_other_numbers_and_lengths(name: str, tmp_path: Path) -> None:
    one = learned(name)
    OnnxProgram().write(one, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    names = [out.name for out in session.get_outputs()]
    assert all(any(isinstance(axis, str) for axis in given.shape) for given in session.get_inputs())
    for batch in others(one):
        inputs = inputs_of(one.modality, one.encoder, batch)
        given = {key: tensor.numpy() for key, tensor in zip(inputs.axes, inputs.take(batch), strict=True)}
        with torch.no_grad():
            wanted = outputs_of(one.encoder(batch))
        found = dict(zip(names, session.run(names, given), strict=True))
        assert set(found) == set(wanted)
        compare_outputs(one.encoder, found, wanted, "in onnxruntime")


def test_graphs_of_other_features_than_molecules_leave_too_and_one_of_them_is_example_enough(tmp_path: Path) -> None:
    net = tmp_path / "net.csv"
    net.write_text("source,target\na,b\na,c\nb,c\nc,d\nd,e\ne,a\n")
    modality = installed_modality("graph")
    items = modality.read([net]).items
    features = modality.encoder_settings("gine", items)  # type: ignore[attr-defined]  # what graphs alone have
    model = gestalt.load(tiny_run(tmp_path / "run", modality, "gine", width=8, layers=1, **features))
    model.export("onnx", tmp_path / "onnx", examples=net)
    session = onnxruntime.InferenceSession(tmp_path / "onnx" / "encoder.onnx")
    batch = model.modality.collate([items.read(0, np.random.default_rng(0))] * 3)
    inputs = tensor_inputs(model.modality, batch)
    assert list(inputs.axes) == ["numbers", "given_valid", "edges"]  # it has no categories, and none of edges
    given = dict(zip(inputs.axes, inputs.take(batch), strict=True))
    with torch.no_grad():
        wanted = model.encoder.eval()(batch).values
    (vectors,) = session.run(["vectors"], {name: one.numpy() for name, one in given.items()})
    torch.testing.assert_close(torch.as_tensor(vectors), wanted, rtol=1e-4, atol=1e-4)
    model.export("transformers", tmp_path / "folder", examples=net)
    opened = gestalt.GestaltModel.from_pretrained(tmp_path / "folder")
    torch.testing.assert_close(opened(**given).last_hidden_state, wanted, rtol=1e-5, atol=1e-5)
