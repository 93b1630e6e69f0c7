"""Sound events in soundscapes mixed from the shipped sounds, or in the user's recordings."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, final

import torch

from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints, MergeAlike
from gestalt.core.discovery.quiet_background import AlikeQuiet
from gestalt.core.discovery.regions import FineGroups, GroupRegions
from gestalt.core.discovery.segmenters import AbstractSegmenter, Rounds
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.experiment.sample_rate import at_rate
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.audio import Audio, Recording, chain
from gestalt.modalities.audio.effects import BackgroundMix, Gain, Noise
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.audio.front_end import SampleRate
from gestalt.modalities.audio.rates import MOST, OF_SPEECH, SHIPPED, rate_of
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeMask

from .results import COLUMNS, NOTE, baselines, measure
from .rules import LEAST, change_points_finder
from .synthetic.mixing import Mix, Soundscape
from .synthetic.soundscapes import Soundscapes, load_samples, recording
from .synthetic.variety import Variety

TEST_SEED = 1_000_000  # test soundscapes are the same for every run


def events_finder(
    threshold: float = 0.52,
    reach: float = 0.4,
    quiet: float = 0.05,
    penalty: float = 0.015,
    learned: float = 0.0,
    above: float | None = LEAST,
    divided: bool = True,
) -> ObjectFinder:
    """Stretches between changes of log-mel, merged while what was learned of them is alike.

    What is like the quietest twentieth of a window, or hardly louder, is background. Loudness is the mean of log-mel.

    Args:
        threshold: stretches merge while the cosine distance of their means is below.
        reach: stretches that are so near to the quietest part are background.
        quiet: share of a window that is its quietest part.
        penalty: price of a fine cut; the lower, the finer.
        learned: weight of learned features in fine cuts, beside log-mel.
        above: stretches that in no band are so much louder than the quietest part (.45 are 9 dB) are background.
        divided: that is the least, and what divides the moments of a recording into two classes counts; fine cuts are
            judged, before they merge, and by loudness alone.
    """
    raw = LogMel()
    changes = Along(ChangePoints(penalty, objects=30, standardise=False))
    regions = GroupRegions(FineGroups(changes, ConcatFeatures(raw, learned)))
    background = AlikeQuiet(raw, quiet, 0.0 if divided else reach, above, divided)
    return ObjectFinder(
        MergeAlike(threshold, objects=30),
        "hidden",
        background,
        regions=regions,
        level="membership",
        background_of="regions" if divided else "objects",
    )


@final
@dataclass(frozen=True)
class Options:
    """Discover sound events in recordings, without labels.

    Trains on soundscapes mixed from the sounds that ship with the package, and evaluates on soundscapes of sounds that
    it never heard; or, with --data, trains on your own recordings. Writes a run folder with report.html.
    """

    seconds: Annotated[float, Between(1.0, 3600.0)] = 4.0
    """Length of the windows that recordings are taken in, in seconds; views are crops of a window."""
    sample_rate: SampleRate | None = None
    """Samples per second to which your recordings are brought: events are found up to half of it. None: the rate of
    most of them, 16000 for encoders made for speech (wav2vec2, hubert, ast). The shipped sounds have 16000."""
    highest_rate: SampleRate = MOST
    """The sample rate that is taken where your recordings have a higher one and --sample-rate does not say."""
    soundscapes: Count = 3000
    """Soundscapes to mix for training (without --data)."""
    test_soundscapes: Count = 200
    """Soundscapes of unseen sounds to evaluate on (without --data)."""
    finder: ObjectFinder = field(default_factory=events_finder)
    """How events are found among frames, for methods that do not say so themselves."""
    method: AbstractMethod = OdinRounds(
        contrast=1.0, contrast_level="types", rounds=Rounds(400), transplants=None, background=True
    )
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("dilated")
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/audio-events")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=800, batch=32, lr=2e-3, warmup=30))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.sample_rate not in (None, SHIPPED) and not self.running.data:
            raise ValueError(
                f"--sample-rate is that of your own recordings, and the shipped sounds have {SHIPPED} Hz, got "
                f"{self.sample_rate}: leave it out, or name your recordings by --data"
            )

    def rate(self) -> int:
        """The sample rate: what the user says, or what follows from the recordings."""
        if self.sample_rate is not None:
            return self.sample_rate
        if not self.running.data or self.encoder.name in OF_SPEECH:
            return SHIPPED
        return rate_of(self.running.data, self.highest_rate)


@final
class AudioEvents(AbstractRecipe[Recording, tuple[Soundscape, ...]]):
    """Events in soundscapes mixed from the shipped sounds, or in the user's recordings."""

    name: ClassVar[str] = "audio-events"
    summary: ClassVar[str] = "discover sound events in recordings, without labels"
    options_type = Options
    captions = Captions(
        title="Sound events",
        shipped="soundscapes mixed from the shipped sounds",
        own="windows of your recordings",
        objects="events",
        exhibits="Every coloured stretch is one discovered event; what has no colour was taken for background.",
        truth="Grey bars are the true events.",
        snippet="waveforms → one vector a frame",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_soundscapes"})

    def __init__(self, options: Options) -> None:
        rate = options.rate()
        # What follows from the recordings is an option of the run from here on: one that goes on keeps it.
        if options.running.data:
            method, finder = at_rate(options.method, rate), at_rate(options.finder, rate)
            options = replace(options, sample_rate=rate, method=method, finder=finder)
        self.options = self._own = options
        self.modality = Audio(rate, options.seconds)
        self.rate = rate
        self.finder = options.finder

    def data(self) -> ExperimentData[Recording, tuple[Soundscape, ...]]:
        """Soundscapes, or windows of recordings."""
        options, first = self._own, first_segments(self.rate)
        if options.running.data:
            return own_data(self.modality, options.running, views(options.seconds), first_segments=first)
        config, samples = Mix(seconds=options.seconds), load_samples()
        sounds, backgrounds = samples.sounds, samples.backgrounds
        items = Soundscapes(
            options.soundscapes, options.training.seed, sounds.train, backgrounds.train, config, Variety()
        )
        validate = options.running.validate
        held = (sounds.validation, backgrounds.validation) if validate else (sounds.test, backgrounds.test)
        tests = Soundscapes(options.test_soundscapes, TEST_SEED, *held, config)
        truth = tuple(tests.soundscape(index) for index in range(len(tests)))
        behind = [Recording(torch.from_numpy(sound.samples), config.sample_rate) for sound in backgrounds.train]
        return ExperimentData(
            items,
            views(options.seconds, behind),
            tuple(recording(scape, config) for scape in truth),
            tuple(tests.name(index) for index in range(len(tests))),
            truth,
            [[(event.sound, (event.onset, event.offset)) for event in scape.events] for scape in truth],
            label=lambda index: longest_family(items.soundscape(index)),
            evaluated_label=lambda place: longest_family(truth[place]),
            first_segments=first,
        )

    def measure(self, predictions: Predictions, truth: tuple[Soundscape, ...]) -> dict[str, float]:
        """Instances and types."""
        return measure(predictions, truth, self.options.training.seed)

    def baselines(
        self, random: Network, data: ExperimentData[Recording, tuple[Soundscape, ...]], truth: tuple[Soundscape, ...]
    ) -> dict[str, dict[str, float]]:
        """Log-mel features, a random encoder, and the practitioner's rule."""
        return baselines(random, self.finder, data.evaluated, truth, self.options.training.seed)


def views(seconds: float, backgrounds: Sequence[Recording] = ()) -> Views[Recording]:
    """Two views of every recording: mild changes, since what changes too much is no longer the same sound."""
    crop = 0.7 * seconds
    steps = [(1.0, TimeCrop(crop, crop)), (1.0, Gain(-6.0, 6.0))]
    if backgrounds:
        steps.append((0.7, BackgroundMix(backgrounds, 0.0, 10.0)))
    steps += [(0.5, Noise(25.0, 50.0)), (0.5, FrequencyMask(0.1, 0.7)), (0.5, TimeMask(0.05, 0.16))]
    return Views(chain(), (chain(*steps),) * 2)


def first_segments(sample_rate: int = SHIPPED) -> AbstractSegmenter:
    """Change points on log-mel alone."""
    return plain_segments(LogMel(sample_rate=sample_rate), at_rate(change_points_finder(0.0), sample_rate))


def longest_family(scape: Soundscape) -> str | None:
    """The class of a soundscape: the family of the sound that lasts longest in it; None without sounds."""
    events = sorted(scape.events, key=lambda event: event.onset - event.offset)
    return events[0].family if events else None
