"""The letters of words as numbers: n-grams hashed on the device, and the shape of a word."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.exporting import is_exporting

SHAPES = 8
"""Numbers that describe the shape of a word."""

BEGIN, END = 2, 3  # control characters that no text holds; they mark the ends of a word
# Capitals and their distance from the small letters: Latin, Latin-1 (but ×), Greek, Cyrillic.
CAPITALS = ((0x41, 0x5A, 32), (0xC0, 0xD6, 32), (0xD8, 0xDE, 32), (0x391, 0x3A9, 32), (0x410, 0x42F, 32))
SIGNS = (
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x2000, 0x2BFF),
    (0x3000, 0x3004),
    (0x3008, 0x3030),
    (0xFF00, 0xFF0F),
    (0x1F000, 0x1FAFF),
)
MULTIPLIER = 1_000_003


def ngrams(
    codes: Int[Tensor, "rows characters"], lengths: Sequence[int], whole: bool = False
) -> tuple[Int[Tensor, "rows grams"], Bool[Tensor, "rows grams"]]:
    """A hash ≥ 0 of every n-gram of every word, and which of them there are; case is folded, ends are marked.

    `whole` adds one for the word as it is.

    Example:
        >>> hashes, present = ngrams(torch.tensor([[97, 98, 0], [66, 0, 0]]), lengths=(2,))
        >>> present.sum(dim=1).tolist()  # ‹a ab b›, and ‹b b›
        [3, 2]
    """
    size = (codes > 0).sum(dim=1, keepdim=True)
    marked = torch.nn.functional.pad(folded(codes), (1, 1))
    marked[:, 0] = BEGIN
    marked.scatter_(1, size + 1, END)
    place = torch.arange(marked.shape[1], device=codes.device)
    found, present = [], []
    for length in lengths:
        windows = marked.shape[1] - length + 1
        if windows < 1:
            continue
        found.append(_hash(marked.unfold(1, length, 1), seed=length))
        present.append((place[:windows] + length <= size + 2) & (size > 0))
    if whole:
        # Zeros after a word's end would make its hash depend on the longest word of the batch, so they count nothing.
        power = _powers(marked.shape[1], codes.device)
        found.append(_mixed(_summed(marked * power)))
        present.append(size > 0)
    return torch.cat(found, dim=1), torch.cat(present, dim=1)


def shapes(codes: Int[Tensor, "rows characters"]) -> Float[Tensor, "rows 8"]:
    """Shape of a word: log length, first letter a capital, all capitals, any digit, all digits, no letter or digit,
    anything but letters within, any letter beyond ASCII.
    """
    there = codes > 0
    size = there.sum(dim=1)
    capital = _capital(codes) > 0
    digit = (codes >= 0x30) & (codes <= 0x39)
    small = ((codes >= 0x61) & (codes <= 0x7A)) | ((codes >= 0xC0) & ~_sign(codes))
    letter = there & (capital | small)
    described = [
        (size + 1).log() / 3,
        capital[:, 0],
        (capital | ~letter).all(dim=1) & (capital.sum(dim=1) > 1),
        digit.any(dim=1),
        (digit | ~there).all(dim=1) & (size > 0),
        there[:, 0] & ~(letter | digit).any(dim=1),
        (there & ~letter).any(dim=1) & letter.any(dim=1),
        (letter & (codes > 0x7F)).any(dim=1),
    ]
    return torch.stack([number.float() for number in described], dim=1)


def punctuation(codes: Int[Tensor, "rows characters"]) -> Bool[Tensor, " rows"]:
    """Which rows are marks, without any letter or digit.

    Example:
        >>> from .data import Passage, collate
        >>> punctuation(collate([Passage.of("So, 東京。 No 1 …")]).codes[0]).tolist()
        [False, True, False, False, True, False, False, True]
    """
    return shapes(codes)[:, 5] > 0


def _sign(codes: Int[Tensor, "rows characters"]) -> Bool[Tensor, "rows characters"]:
    """Punctuation and symbols beyond ASCII: general, of East Asia, of full width, and pictures."""
    found = torch.zeros_like(codes, dtype=torch.bool)
    for first, last in SIGNS:
        found |= (codes >= first) & (codes <= last)
    return found


def folded(codes: Int[Tensor, "rows characters"]) -> Int[Tensor, "rows characters"]:
    """Small letters for the capitals of Latin, Greek and Cyrillic."""
    return codes + _capital(codes)


def _capital(codes: Int[Tensor, "rows characters"]) -> Int[Tensor, "rows characters"]:
    """How far each capital is from its small letter; 0 for other characters."""
    distance = torch.zeros_like(codes)
    for first, last, by in CAPITALS:
        distance = distance + by * ((codes >= first) & (codes <= last))
    return distance


def _hash(windows: Int[Tensor, "rows windows letters"], seed: int) -> Int[Tensor, "rows windows"]:
    value = torch.full_like(windows[..., 0], seed)
    for letter in windows.unbind(dim=-1):
        value = value * MULTIPLIER + letter
    return _mixed(value)


def _powers(count: int, device: torch.device) -> Int[Tensor, " count"]:
    """The first powers of the multiplier, from the first on."""
    if is_exporting():  # formats of programs know no cumulative product; a word has 64 letters at most
        return torch.tensor([_wrapped(MULTIPLIER**power) for power in range(1, 67)], device=device)[:count]
    return torch.full((count,), MULTIPLIER, device=device).cumprod(0)


def _summed(numbers: Int[Tensor, "rows places"]) -> Int[Tensor, "rows 1"]:
    """The sum of every row, as 64 bits hold it."""
    if is_exporting():  # onnxruntime sums in floating point; additions one by one are exact
        halves = torch.nn.functional.pad(numbers, (0, 128 - numbers.shape[1]))
        while halves.shape[1] > 1:
            half = halves.shape[1] // 2
            halves = halves[:, :half] + halves[:, half:]
        return halves
    return numbers.sum(dim=1, keepdim=True)


def _wrapped(number: int) -> int:
    """As 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def _mixed(value: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """High bits folded onto low ones, without a sign: neighbouring letters must not land in neighbouring buckets.

    Integers wrap around on every device alike, so that a hash is the same everywhere.
    """
    value = (value ^ _shifted(value, 29)) * -4658895280553007687
    value = (value ^ _shifted(value, 32)) * -7723592293110705685
    return (value ^ _shifted(value, 29)) & 0x7FFFFFFFFFFFFFFF


def _shifted(value: Int[Tensor, "..."], bits: int) -> Int[Tensor, "..."]:
    """value >> bits, with the sign."""
    if is_exporting():  # ONNX shifts zeros in, where torch shifts the sign in
        return (value >> bits) | torch.where(value < 0, -1 << (64 - bits), 0)
    return value >> bits
