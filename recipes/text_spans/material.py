"""What a run trains on, and what it is tried on: shipped sentences with truth, or the user's text without."""

from gestalt.core.data.items import AbstractItems
from gestalt.core.experiment import ExperimentData, readable
from gestalt.core.modality.transform import Views
from gestalt.modalities.text import Passage, Text, TextFiles, chain, dropout_views
from gestalt.modalities.text.noise import Characters
from gestalt.modalities.text.views import Crop, Delete, Noisy, Swap

from .corpus import Sentence, Sentences, load_corpus
from .options import Options


def load_material(options: Options) -> ExperimentData[Passage, tuple[Sentence, ...]]:
    """Read everything that the options ask for."""
    return _own(options) if options.running.data else _shipped(options)


def views(options: Options) -> Views[Passage]:
    """Two views of every passage."""
    if options.looking.views == "dropout":
        return dropout_views()
    steps = [
        (0.5, Crop(0.7, 1.0, shortest=6)),
        (0.5, Delete(options.looking.delete)),
        (0.2, Swap(0.05)),
        (0.5, Noisy(Characters(), 0.1)),
    ]
    return Views(chain(), (chain(*steps),) * 2)


def _shipped(options: Options) -> ExperimentData[Passage, tuple[Sentence, ...]]:
    corpus = load_corpus()
    items = Sentences(corpus.train[: options.sentences])
    tried = (corpus.validation if options.running.validate else corpus.test)[: options.test_sentences]
    return ExperimentData(
        items,
        views(options),
        tuple(one.item for one in tried),
        tuple(f"sentence {number + 1}" for number in range(len(tried))),
        tried,
        [one.truth for one in tried],
        settings=_settings(options, items),
        label=lambda index: heads(items.sentences[index]),
    )


def heads(one: Sentence) -> tuple[str | None, ...]:
    """The class of every word: the tag that heads its group; None for words in no group."""
    found: list[str | None] = [None] * len(one.item.words)
    for group in one.groups:
        found[group.first : group.last] = [group.head] * (group.last - group.first)
    return tuple(found)


def _own(options: Options) -> ExperimentData[Passage, tuple[Sentence, ...]]:
    running = options.running
    modality = Text(options.window, options.lines, options.column)
    reading = modality.read(running.data, running.skip_bad)
    files = reading.items
    assert isinstance(files, TextFiles)
    skipped = list(reading.skipped)
    tried = readable(files, skipped if running.skip_bad else None)
    return ExperimentData(
        files,
        views(options),
        tuple(tried.values()),
        tuple(files.name(place) for place in tried),
        None,
        skipped=tuple(dict.fromkeys(skipped)),
        settings=_settings(options, files),
    )


def _settings(options: Options, items: AbstractItems[Passage]) -> dict[str, object]:
    if options.learning.encoder == "conv":
        return {"word_dropout": options.looking.word_dropout, "width": options.looking.width}
    return dict(Text(vocabulary=options.vocabulary).encoder_settings(options.learning.encoder, items))
