"""Grammars of chunks on validation sentences, without a network: `python -m benchmarks.text_chunks --help`."""

from dataclasses import dataclass
from typing import final

import torch
import tyro

from gestalt.modalities.text import Passage, collate
from gestalt.modalities.text.chunks import Chunks
from gestalt.recipes.text_spans.corpus.sentences import load_corpus
from gestalt.recipes.text_spans.recipe import Options as Recipe
from gestalt.recipes.text_spans.truth import Truth, span_metrics, truth_of


@final
@dataclass(frozen=True)
class Options:
    """Learn grammars of several forms from the training sentences, and hold their spans against the truth."""

    sentences: int = Recipe.sentences
    """Most sentences to learn from."""
    validation: int = Recipe.test_sentences
    """Sentences to evaluate on."""
    seeds: int = 3
    """How many seeds of the form that the recipe has; other forms have one."""
    threads: int = 1
    """CPU threads."""


def main(options: Options) -> None:
    """Learn, evaluate and print."""
    torch.set_num_threads(options.threads)
    corpus = load_corpus()
    passages = [one.item for one in corpus.train[: options.sentences]]
    evaluated = corpus.validation[: options.validation]
    truth, items = truth_of(evaluated), [one.item for one in evaluated]
    print("| grammar | span F1 | boundary F1 | ARI | fg-ARI |\n|---|---|---|---|---|")
    forms = [fitted(Chunks(), passages, seed) for seed in range(options.seeds)]
    for seed, form in enumerate(forms):
        said(f"as in the recipe, seed {seed}", form, items, truth)
    base = forms[0]
    for joins in (0.1, 0.2, 0.5, 0.7, 0.9):
        said(f"a word joins by a chance of {joins}", like(base, Chunks(joins=joins)), items, truth)
    for frequent in (0, 30, 200, 400):
        said(f"{frequent} words may be in no span", like(base, Chunks(frequent=frequent)), items, truth)
    for kinds, outside in ((1, 1), (2, 1), (3, 2)):
        form = fitted(Chunks(kinds, outside), passages, 0)
        said(f"{kinds} kinds of chunks, {outside} outside", form, items, truth)
    said("rare words all alike", fitted(Chunks(endings=0), passages, 0), items, truth)


def fitted(chunks: Chunks, passages: list[Passage], seed: int) -> Chunks:
    """The same, learned."""
    chunks.fit(passages, seed)
    return chunks


def like(base: Chunks, chunks: Chunks) -> Chunks:
    """The same with what another has learned."""
    chunks.load_state_dict(base.state_dict())
    return chunks


def said(name: str, chunks: Chunks, items: list[Passage], truth: Truth) -> None:
    """Print one line of the table."""
    found = span_metrics(chunks.numbered(chunks.look(collate(items))), truth)
    print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found.values()) + " |", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
