"""An encoder of this package as a model of transformers, for architectures that transformers does not have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import safetensors.torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from ..components.names import choose
from ..modality.plugins import installed_modality
from ..runs.saving import with_settings
from .program import outputs_of
from .tensors import TakesTensorsOfEncoders, TensorInputs, tensor_inputs

NAME = "gestalt"


@final
class GestaltConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Which encoder of which installed modality, with their settings, as a run's `config.json` has them."""

    model_type = NAME

    def __init__(
        self,
        modality: Mapping[str, Any] | None = None,
        encoder: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> None:
        self.modality = dict(modality or {})
        self.encoder = dict(encoder or {})
        super().__init__(**others)


@final
@dataclass
class GestaltOutput(ModelOutput):
    """The vectors of all elements, which of them are no padding, and the edges of the elements along each axis."""

    last_hidden_state: Tensor | None = None
    valid: Tensor | None = None
    edges: tuple[Tensor, ...] | None = None


@final
class GestaltModel(PreTrainedModel):
    """An encoder as a model of transformers: `AutoModel.from_pretrained(folder)` makes it, once this class is imported.

    Nothing in the folder is executed: it names an encoder of an installed modality.

    Args:
        config: says which.

    Example: a folder that `gestalt export RUN --to transformers` wrote.

        from gestalt import GestaltModel

        model = GestaltModel.from_pretrained("exported")
    """

    config_class = GestaltConfig
    base_model_prefix = NAME

    def __init__(self, config: GestaltConfig) -> None:
        super().__init__(config)
        modality = with_settings(installed_modality(str(config.modality["name"])), config.modality["settings"])
        name = choose("encoder", str(config.encoder["name"]), list(modality.encoders))
        self.encoder = modality.encoders[name](**config.encoder["settings"])
        self.modality = modality
        self.inputs: TensorInputs | None = None
        self.post_init()  # type: ignore[no-untyped-call]

    def _inputs(self) -> TensorInputs:
        if isinstance(self.modality, TakesTensorsOfEncoders):
            return self.modality.tensor_inputs_of(self.config.encoder["settings"])
        return tensor_inputs(self.modality, self.modality.collate([self.modality.specimens()[0].item]))

    @classmethod
    def from_pretrained(  # type: ignore[override]  # of the library's arguments, those that matter here
        cls,
        folder: str | Path,
        *arguments: Any,
        config: Any = None,
        **options: Any,  # noqa: ARG003
    ) -> "GestaltModel":
        """A model from a local folder, in evaluation mode.

        transformers builds models without memory and then fills in their weights; what encoders compute when they are
        built, such as filter banks, would be lost. So the encoder is built as everywhere else.

        Args:
            folder: its path; nothing is downloaded.
            arguments: none.
            config: where it was read already.
            options: of transformers, which are not needed here.
        """
        found = GestaltConfig.from_pretrained(folder, local_files_only=True) if config is None else config
        model = cls(found, *arguments)
        model.load_state_dict(safetensors.torch.load_file(str(Path(folder) / "model.safetensors")))
        model.eval()  # type: ignore[no-untyped-call]
        return model

    def _init_weights(self, module: Any) -> None:
        """The encoder drew its own."""

    def forward(self, **tensors: Tensor) -> GestaltOutput:
        """Encode the tensors of a batch, by the names that the model card gives."""
        if self.inputs is None:
            self.inputs = self._inputs()
        missing = self.inputs.axes.keys() ^ tensors.keys()
        if missing:
            raise ValueError(f"the model takes {', '.join(self.inputs.axes)}, got {', '.join(tensors) or 'nothing'}")
        found = outputs_of(self.encoder(self.inputs.make([tensors[name] for name in self.inputs.axes])))
        edges = tuple(value for name, value in found.items() if name.startswith("edges_"))
        return GestaltOutput(found["vectors"], found["valid"], edges or None)


AutoConfig.register(NAME, GestaltConfig)
AutoModel.register(GestaltConfig, GestaltModel)
