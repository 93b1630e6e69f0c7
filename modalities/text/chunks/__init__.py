"""Spans of words by a grammar of chunks that is learned from text without labels: from where its punctuation stands."""

from .chunks import Chunks as Chunks
