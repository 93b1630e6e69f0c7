"""Sound: recordings, their time frames, and the events in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.settings import accepted
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder

from .choices import CHOICES
from .data import AudioFiles as AudioFiles
from .data import Recording as Recording
from .data import Waveforms as Waveforms
from .data import collate as collate
from .data import each_window as each_window
from .data import read_audio
from .dilated import Dilated
from .effects import BackgroundMix, Filters, Gain, Noise
from .encoders import Conv, LogMel
from .front_end import SampleRate
from .given_masks import read_masks, shown_masks
from .objects import COLUMNS, label_in, recording_of
from .outputs import element_columns, reduced, write_objects
from .pretrained import AST, TorchaudioWav2Vec2, hubert, wav2vec2
from .rates import MOST, OF_SPEECH, SHIPPED, rate_of
from .render import render
from .render_object import render_object
from .resnet import resnet18, resnet34, resnet50
from .specimens import specimens
from .statistics import statistics
from .transformer import SpectrogramTransformer
from .transplants import transplant
from .unet import UNet
from .views import (
    FrequencyCrop,
    FrequencyMask,
    PitchShift,
    Shift,
    TimeCrop,
    TimeMask,
    TimeStretch,
    stretch,
    views_in_place,
)
from .views import chain as chain
from .views import default_views as default_views


@final
class Audio(AbstractModality[Recording]):
    """Recordings read as mono at `sample_rate` in windows of `seconds`; objects are sound events.

    Args:
        sample_rate: in Hz, to which files are resampled.
        seconds: length of an item; longer files become several.

    Example:
        >>> sorted(MODALITY.encoders)[:4]
        ['ast', 'conv', 'dilated', 'hubert']
    """

    name: ClassVar[str] = "audio"
    element: ClassVar[str] = "frame"
    sequence: ClassVar[bool] = True
    # Signalsmith's stretching smears a click over its block of 120 ms.
    tolerance: ClassVar[int] = 3

    def __init__(
        self,
        sample_rate: SampleRate = 16_000,
        seconds: Annotated[float, Between(0.0, 86_400.0, open_below=True)] = 4.0,
    ) -> None:
        self.sample_rate = sample_rate
        self.seconds = seconds
        check_ranges(self)
        if seconds * sample_rate < 1:
            raise ValueError(f"seconds must hold at least one sample at {sample_rate} Hz, got seconds={seconds}")
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": LogMel,
            "conv": Conv,
            "dilated": Dilated,
            "unet": UNet,
            "transformer": SpectrogramTransformer,
            "resnet18": resnet18,
            "resnet34": resnet34,
            "resnet50": resnet50,
            "wav2vec2": wav2vec2,
            "hubert": hubert,
            "ast": AST,
            "torchaudio_wav2vec2": TorchaudioWav2Vec2,
        }
        self.transforms: Mapping[str, AbstractTransform[Recording]] = {
            "time_crop": TimeCrop(0.5 * seconds / 4, 3.5 * seconds / 4),
            "small_crop": TimeCrop(0.2 * seconds, 0.3 * seconds),
            "shift": Shift(),
            "time_stretch": TimeStretch(),
            "pitch_shift": PitchShift(),
            "gain": Gain(),
            "noise": Noise(),
            "filters": Filters(),
            "time_mask": TimeMask(),
            "frequency_mask": FrequencyMask(),
            "frequency_crop": FrequencyCrop(),
            "background_mix": BackgroundMix([_rumble(sample_rate)]),
        }
        self.views: Views[Recording] = default_views(seconds / 2, 3.5 * seconds / 4)
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Recording]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Recording]:
        """The windows of all audio files among `paths` and in the folders among them, in sorted order.

        The length of every file is found; 64 files, evenly over the list, are decoded in a few places. Wav, flac, ogg
        and others are decoded by libsndfile, mp3, mp4, m4a, webm and other containers by FFmpeg; channels are averaged.

        Raises:
            BadItemError: for the first file that is no audio, empty, too short, cut off or joined of several, or among
                the decoded ones silent or not finite, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable audio is found.
        """
        return read_audio(paths, self.sample_rate, self.seconds, skip_bad)

    def at_rate(self, sample_rate: float | int | None, encoder: str, paths: Sequence[Path]) -> "Audio":
        """Recordings of the same length at `sample_rate`; None: that of most of them, 16 kHz for encoders of speech.

        Raises:
            FileNotFoundError: for a path that does not exist.
            ValueError: if there is no audio at all, or the rate is no whole number.
        """
        if sample_rate is None:
            sample_rate = SHIPPED if encoder in OF_SPEECH else rate_of(paths, MOST)
        # Audio itself refuses 22050.5.
        return Audio(int(sample_rate) if sample_rate == int(sample_rate) else sample_rate, self.seconds)  # type: ignore[arg-type]

    def encoder_settings(self, encoder: str, items: AbstractItems[Recording]) -> Mapping[str, Any]:
        """The sample rate of the recordings, for the encoders that take it.

        Raises:
            ValueError: if the items do not say it and none of them can be read.
        """
        rate = items.sample_rate if isinstance(items, AudioFiles) else first_readable(items).sample_rate
        return accepted(self.encoders[encoder], {"sample_rate": rate})

    def amounts(self, item: Recording) -> Mapping[str, float]:
        """How long it is."""
        return {"seconds": item.seconds}

    def computed(self, item: Recording) -> Mapping[str, float]:
        """Spectral and temporal statistics: how loud, bright, tonal and even it is."""
        return statistics(item)

    def collate(self, items: Sequence[Recording]) -> Waveforms:
        """Recordings padded to the longest."""
        return collate(items)

    def render(
        self,
        item: Recording,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """Log-mel with the found events above and the true ones, `(name, (onset, offset))` in seconds, below."""
        return render(item, found, one_grid(grid), truth)

    def render_numbered(
        self,
        item: Recording,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def read_masks(
        self, path: Path, items: AbstractItems[Recording], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Recording]:
        """A folder of Audacity's label tracks named like the recordings, or a table of events as DCASE has them.

        Where events overlap, the shorter is on top, and of two of one length the later.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is of neither format, an event lies outside its recording, or it names a recording that
                there is not.
        """
        return read_masks(path, items, skipped)

    def shown_masks(self, item: Recording, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each event with its onset and offset in seconds of the item."""
        return shown_masks(item, masks)

    def transplant(
        self, host: Recording, donor: Recording, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Recording] | None:
        """A sound of one recording added to another: of another level, spectral tilt and pitch, with faded ends."""
        return transplant(host, donor, part, rng)

    def transplant_at(
        self, host: Recording, donor: Recording, part: ItemMasks, later: float, rng: np.random.Generator
    ) -> Transplant[Recording] | None:
        """The same where it was in the donor, less `later` seconds, of its own pitch."""
        return transplant(host, donor, part, rng, later)

    column_names: ClassVar[Sequence[str]] = COLUMNS

    def of_objects(self, things: Things) -> AbstractItems[Recording]:
        """Samples, entries of torchaudio's data sets, sound of Hugging Face; each is an item, however long."""
        return FromPython(things, partial(recording_of, sample_rate=self.sample_rate))

    def label_in(self, entry: tuple[Any, ...]) -> Any:
        """What stands behind the samples and their rate."""
        return label_in(entry)

    @property
    def window(self) -> float:
        """The length of an item."""
        return self.seconds

    def in_windows(self, seconds: float) -> "Audio":
        """The same modality with items of another length."""
        return Audio(self.sample_rate, seconds)

    def duration(self, item: Recording) -> float:
        """How long a recording lasts."""
        return item.seconds

    def cut(self, item: Recording, begin: float, end: float) -> tuple[Recording, Affine]:
        """The samples between two moments."""
        return stretch(item, begin, end)

    def in_place(self) -> Sequence[AbstractTransform[Recording]]:
        """Filtered, louder or softer, noisier and masked by chance."""
        return views_in_place().views

    def specimens(self) -> Sequence[Specimen[Recording]]:
        """Three recordings of tones and hisses, two seconds or a little less."""
        return specimens(self.sample_rate)

    def render_object(self, item: Recording, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """A player of the stretch with its log-mel."""
        return render_object(item, inside, one_grid(grid))

    def write_objects(self, found: Iterable[FoundBatch[Recording]], items: AbstractItems[Recording], out: Path) -> str:
        """Events as DCASE's table, Audacity's label tracks and JSON."""
        return write_objects(found, items, out)

    def element_columns(
        self, found: FoundBatch[Recording], row: int, items: AbstractItems[Recording]
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The seconds at which each frame begins and ends in its file."""
        return element_columns(found, row, items)

    def reduced(self, found: FoundBatch[Recording]) -> FoundBatch[Recording]:
        """The same recordings in frames, without bands of frequency."""
        return reduced(found)


def _rumble(sample_rate: int, seconds: float = 5.0) -> Recording:
    """Noise that falls by 6 dB per octave, so that background mixing has something to mix without any files."""
    white = np.random.default_rng(0).standard_normal(round(seconds * sample_rate))
    spectrum = np.fft.rfft(white)
    hertz = np.maximum(np.fft.rfftfreq(len(white), 1 / sample_rate), 30.0)
    brown = np.fft.irfft(spectrum * 30.0 / hertz, len(white))
    return Recording(torch.from_numpy(0.1 * brown / brown.std()).float(), sample_rate)


MODALITY = Audio()
