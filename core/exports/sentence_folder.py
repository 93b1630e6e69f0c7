"""`sentence-transformers`: a folder that `SentenceTransformer(path)` opens, for encoders with a tokenizer."""

import json
from pathlib import Path
from typing import Any, ClassVar, final

from ..storage.atomic import write_text
from .base import AbstractExport, Trained, Written
from .library_model import HoldsLibraryModel, SavesItself

POOLING = "1_Pooling"
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": POOLING, "type": "sentence_transformers.models.Pooling"},
]
LOADING = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
vectors = model.encode(["A text.", "Another one."])"""
MEAN = (
    "the mean over all sub-words, special ones included, of at most {length} of them; Gestalt itself takes the "
    "mean over words, of the mean over the sub-words of each, and longer texts in parts"
)


@final
class SentenceFolder(AbstractExport):
    """The model of transformers with its tokenizer, and the library's own mean over sub-words."""

    takes: ClassVar[str] = (
        "encoders that are a model of transformers with a tokenizer: bert, roberta, distilbert, minilm"
    )

    def refusal(self, trained: Trained) -> str | None:
        """What the encoder is, where it has no tokenizer."""
        if _tokenizer(trained.encoder) is not None:
            return None
        return f"expected a model of transformers with a tokenizer, got {type(trained.encoder).__name__}"

    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the folder."""
        encoder: Any = trained.encoder
        tokenizer: Any = _tokenizer(encoder)
        for part in encoder.library_parts():
            part.save_pretrained(folder)
        length = int(tokenizer.model_max_length)
        (folder / POOLING).mkdir()
        pooling = {"word_embedding_dimension": trained.encoder.dim, "pooling_mode_mean_tokens": True}
        about: dict[str, Any] = {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine"}
        for name, content in (
            ("modules.json", MODULES),
            ("sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False}),
            ("config_sentence_transformers.json", about),
            (f"{POOLING}/config.json", pooling),
        ):
            write_text(folder / name, json.dumps(content, indent=1) + "\n")
        return Written(LOADING, {"vectors": MEAN.format(length=length)})


def _tokenizer(encoder: object) -> SavesItself | None:
    """What cuts texts into sub-words, where the encoder has it."""
    parts = encoder.library_parts() if isinstance(encoder, HoldsLibraryModel) else ()
    return next((part for part in parts if hasattr(part, "model_max_length")), None)
