"""Models of a library such as transformers, from a configuration or a local folder; nothing is ever fetched."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def local_model(
    model_class: Any, config: Mapping[str, Any] | None, small: Mapping[str, Any], checkpoint: str | None
) -> tuple[Any, dict[str, Any]]:
    """A model, and the configuration that builds it again without the checkpoint.

    Args:
        model_class: with the `config_class`, and the ways of making them, that classes of transformers have.
        config: what differs from the library's own default.
        small: the configuration where neither a `config` nor a `checkpoint` is given.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if a configuration names what the library does not know, or comes beside a checkpoint.
    """
    config_class = model_class.config_class
    if checkpoint is None:
        chosen = dict(small if config is None else config)
        unknown = chosen.keys() - config_class().to_dict().keys()
        if unknown:
            raise ValueError(f"{config_class.__name__} knows no {', '.join(sorted(unknown))}; check the spelling")
        return model_class(config_class.from_dict(chosen)), chosen
    if config is not None:
        raise ValueError("give a config or a checkpoint, not both: a checkpoint brings its own configuration")
    if not (Path(checkpoint) / "config.json").is_file():
        raise FileNotFoundError(
            f"{checkpoint} is no local checkpoint: it has no config.json; "
            "download the model first and name its folder (nothing is fetched over the network)"
        )
    model = model_class.from_pretrained(checkpoint, local_files_only=True, use_safetensors=True)
    return model, json.loads(model.config.to_json_string())
