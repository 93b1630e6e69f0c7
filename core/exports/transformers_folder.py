"""`transformers`: a folder that `AutoModel.from_pretrained` opens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from ..components.registry import MODALITIES
from ..runs.config import RunConfig
from .base import AbstractExport, Trained, Written
from .library_model import HoldsLibraryModel
from .program import compare_outputs, outputs_of
from .tensors import tensor_inputs

OF_THEIRS = """from transformers import AutoModel

model = AutoModel.from_pretrained("."){further}"""
OF_OURS = """from transformers import AutoModel

from gestalt import GestaltModel  # AutoModel knows it from now on; nothing in the folder is executed

model = AutoModel.from_pretrained(".")
found = model({names})  # tensors
found.last_hidden_state, found.valid"""


@final
class TransformersFolder(AbstractExport):
    """The model of transformers itself with its tokenizer or processor; other encoders as `GestaltModel`."""

    takes: ClassVar[str] = (
        "every encoder of a run whose modality is installed; those of transformers as their own class"
    )

    def refusal(self, trained: Trained) -> str | None:
        """Why `GestaltModel` could not build the encoder again."""
        if isinstance(trained.encoder, HoldsLibraryModel):
            return None
        if trained.run is None:
            return "expected an encoder of a finished run, whose config.json says how it is built, got one in memory"
        name = str(RunConfig.read(trained.run).modality["name"])
        if name not in MODALITIES.names() and name not in {one.value for one in MODALITIES.points().values()}:
            return (
                f"expected a modality that is installed, got {name!r}: nothing else is imported because a file names it"
            )
        return None

    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the folder; a `GestaltModel` is opened again and compared with the encoder.

        Raises:
            ValueError: if it gives other vectors.
        """
        if isinstance(trained.encoder, HoldsLibraryModel):
            return _theirs(trained.encoder, folder)
        return _ours(trained, folder)


def _theirs(encoder: HoldsLibraryModel, folder: Path) -> Written:
    model, *beside = encoder.library_parts()
    for part in (model, *beside):
        part.save_pretrained(folder)
    facts = {"class": f"`{type(model).__name__}` of transformers, without a pooler: it gives `last_hidden_state`"}
    facts |= {"beside": ", ".join(f"`{type(part).__name__}`" for part in beside)} if beside else {}
    further = ""
    if any("Tokenizer" in type(part).__name__ for part in beside):
        further = '\ntokenizer = AutoTokenizer.from_pretrained(".")'
    elif beside:
        kind = "AutoImageProcessor" if "Image" in type(beside[0]).__name__ else "AutoFeatureExtractor"
        further = f'\nprepare = {kind}.from_pretrained(".")'
    loading = OF_THEIRS.format(further=further)
    if further:
        loading = loading.replace("import AutoModel", f"import AutoModel, {further.split(' = ')[1].split('.')[0]}", 1)
    return Written(loading, facts)


def _ours(trained: Trained, folder: Path) -> Written:
    from .wrapped import GestaltConfig, GestaltModel

    assert trained.run is not None
    config = RunConfig.read(trained.run)
    own: Mapping[str, Any] = {"modality": config.modality, "encoder": config.encoder}
    model = GestaltModel(GestaltConfig(**own))
    model.encoder.load_state_dict(trained.encoder.state_dict())
    model.save_pretrained(folder)
    batch = trained.modality.collate(trained.examples[:1] * 2)
    inputs = tensor_inputs(trained.modality, batch)
    tensors = inputs.take(batch)
    opened: Any = GestaltModel.from_pretrained(folder, local_files_only=True)
    with torch.no_grad():
        given = opened.eval()(**dict(zip(inputs.axes, tensors, strict=True)))
        wanted: dict[str, Tensor] = outputs_of(trained.encoder(inputs.make(tensors)))
    compare_outputs(trained.encoder, {"vectors": given.last_hidden_state, "valid": given.valid}, wanted, "there")
    names = ", ".join(f"{name}={name}" for name in inputs.axes)
    axes = ", ".join(f"`{name}` ({' × '.join(said)})" for name, said in inputs.axes.items())
    facts = {"class": "`GestaltModel` of the package `gestalt-ssl`, which has to be installed", "input": axes}
    return Written(OF_OURS.format(names=names), facts)
