"""Formats of sound: recordings of two windows."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import soundfile

from gestalt.modalities.audio import Audio
from gestalt.modalities.audio.outputs_tracks import TRACKS
from tests.sounds import write_coded

from .formats import Format, written
from .law import lay_masks, read_whole

MODALITY = Audio(sample_rate=8000, seconds=0.25)
RATE, SECONDS = 8000, 0.4
CODED: Mapping[str, tuple[str, int]] = {
    "m4a": ("aac", 16_000), "aac": ("aac", 16_000), "webm": ("libopus", 48_000), "mka": ("ac3", 48_000),
    "wma": ("wmav2", 16_000), "ac3": ("ac3", 48_000), "mp2": ("mp2", 16_000), "mov": ("pcm_s16le", 8000),
    "wv": ("wavpack", 16_000), "tta": ("tta", 16_000), "mp4": ("libmp3lame", 16_000), "mkv": ("flac", 16_000),
}  # fmt: skip
"""Containers with a codec that FFmpeg writes, and a sample rate that it takes."""
PLAIN: Mapping[str, tuple[str, str, str]] = {
    "wav": ("wav", "WAV", "PCM_16"), "wav float": ("wav", "WAV", "FLOAT"), "wav μ-law": ("wav", "WAV", "ULAW"),
    "wav ADPCM": ("wav", "WAV", "IMA_ADPCM"), "wav 24": ("wav", "WAVEX", "PCM_24"), "flac": ("flac", "FLAC", "PCM_16"),
    "ogg": ("ogg", "OGG", "VORBIS"), "opus": ("opus", "OGG", "OPUS"), "mp3": ("mp3", "MP3", "MPEG_LAYER_III"),
    "aiff": ("aiff", "AIFF", "PCM_16"), "au": ("au", "AU", "PCM_16"), "caf": ("caf", "CAF", "PCM_16"),
    "w64": ("w64", "W64", "PCM_16"), "rf64": ("rf64", "RF64", "PCM_16"), "aifc": ("aifc", "AIFF", "FLOAT"),
}  # fmt: skip
"""Formats of libsndfile: the ending, the format and its subtype."""


def tone() -> np.ndarray:
    """Two windows; none of it is silent."""
    time = np.arange(round(RATE * SECONDS)) / RATE
    return (0.4 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def _plain(name: str) -> dict[str, bytes]:
    ending, kind, subtype = PLAIN[name]
    return {
        f"a.{ending}": written(f"a.{ending}", lambda path: soundfile.write(path, tone(), RATE, subtype, format=kind))
    }


def coded(ending: str) -> dict[str, bytes]:
    """A container of that ending with its codec."""
    codec, rate = CODED[ending]
    form = {"aac": "adts", "mka": "matroska", "wma": "asf", "m4a": "ipod", "mkv": "matroska"}.get(ending)
    return {f"a.{ending}": written(f"a.{ending}", lambda path: write_coded(path, codec, rate, SECONDS, form))}


READ = partial(read_whole, MODALITY)
FORMATS = [
    *(Format(name, partial(_plain, name), READ, f"a.{PLAIN[name][0]}") for name in PLAIN),
    *(Format(f"{name} sound", partial(coded, name), READ, f"a.{name}") for name in CODED),
]


MASKS = partial(lay_masks, MODALITY)


def _labelled(name: str, text: str) -> dict[str, bytes]:
    return {"data/a.wav": _plain("wav")["a.wav"], name: text.encode()}


EVENTS = [(0.01, 0.1, "bird"), (0.05, 0.2, 'a "frog" & <owl>')]


def _track(form: str) -> Format:
    ending, write = TRACKS[form]
    main = f"labels/a{ending}"
    return Format(
        f"tracks: {form}",
        partial(_labelled, main, write(EVENTS, SECONDS, 16_000)),
        lambda path, skip: MASKS(path.parent, skip),
        main,
        is_text=True,
    )


FORMATS += [_track(form) for form in TRACKS if form != "labels"]
FORMATS += [
    Format(
        "Audacity's labels", partial(_labelled, "labels/a.txt", "0.01\t0.1\tbird\n\\\t100\t200\n0.05\t0.2\tfrog\n"),
        lambda path, skip: MASKS(path.parent, skip), "labels/a.txt", is_text=True,
    ),
    Format(
        "DCASE's events", partial(_labelled, "e.tsv", "filename\tonset\toffset\tevent_label\na.wav\t0.01\t0.1\tbird\n"),
        MASKS, "e.tsv", is_text=True,
    ),
    Format(
        "events csv", partial(_labelled, "e.csv", "filename,onset,offset,label\na.wav,0.01,0.1,bird\na.wav,,,\n"),
        MASKS, "e.csv", is_text=True,
    ),
]  # fmt: skip
