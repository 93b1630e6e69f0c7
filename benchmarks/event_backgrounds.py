"""How well loudness tells events from background, on validation soundscapes: `python -m benchmarks.event_backgrounds`.

The loudness of a moment is how far its loudest band lies over the quietest twentieth of its recording. Ways of choosing
a threshold differ; the share of moments that are told rightly says how good each is.
"""

import argparse

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.discovery.background import lowest
from gestalt.core.discovery.quiet_background import dividing, over_quiet
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio.encoders import LogMel
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.truth import truth_of

from .event_finders import Scenes

Loudness = Float[Tensor, "recordings moments"]
Known = Bool[Tensor, "recordings moments"]
QUIET, SPREAD_OF = 0.05, 0.25


def loudness_of(levels: Float[Tensor, "recordings moments bands"], share: float = QUIET) -> Loudness:
    """How far the loudest band lies over the mean of the quietest share."""
    quiet = lowest(levels.mean(dim=2), torch.ones(levels.shape[:2], dtype=torch.bool), share)
    return over_quiet(levels, quiet).amax(dim=2)


def told(loudness: Loudness, event: Known, threshold: Float[Tensor, " recordings"] | float) -> float:
    """The share of moments that a threshold tells rightly."""
    least = torch.as_tensor(threshold).expand(len(loudness))[:, None]
    return float(((loudness > least) == event).float().mean())


def best_of_each(loudness: Loudness, event: Known) -> Float[Tensor, " recordings"]:
    """The threshold of every recording that tells most moments rightly: it needs the truth."""
    asked = torch.cat([loudness, loudness.amin(dim=1, keepdim=True) - 1], dim=1)
    right = ((loudness[:, None] > asked[..., None]) == event[:, None]).float().mean(dim=2)
    return asked.gather(1, right.argmax(dim=1, keepdim=True))[:, 0]


def two_normals(loudness: Loudness, narrowest: float = 0.1) -> Float[Tensor, " recordings"]:
    """The threshold of least error between two normal distributions, each of its width (Kittler, Illingworth 1986)."""
    ordered, moments = loudness.sort(dim=1).values.double(), loudness.shape[1]
    below = torch.arange(1, moments).double()
    above, first, second = moments - below, ordered.cumsum(dim=1), ordered.square().cumsum(dim=1)
    low = first[:, :-1] / below
    high = (first[:, -1:] - first[:, :-1]) / above
    narrow = (second[:, :-1] / below - low.square()).clamp(min=narrowest**2)
    wide = ((second[:, -1:] - second[:, :-1]) / above - high.square()).clamp(min=narrowest**2)
    share = below / moments
    price = (
        share * narrow.log()
        + (1 - share) * wide.log()
        + 2 * torch.special.entr(share)
        + 2 * torch.special.entr(1 - share)
    )
    at = price.argmin(dim=1, keepdim=True)
    return ((ordered.gather(1, at) + ordered.gather(1, at + 1)) / 2)[:, 0].float()


def spread_of_quiet(
    levels: Float[Tensor, "recordings moments bands"], loudness: Loudness, deviations: float
) -> Float[Tensor, " recordings"]:
    """The mean of the quiet quarter and some of its standard deviations."""
    quiet = lowest(levels.mean(dim=2), torch.ones_like(loudness).bool(), SPREAD_OF)
    own = torch.where(quiet, loudness, torch.nan)
    mean = own.nanmean(dim=1)
    deviation: Tensor = (own - mean[:, None]).square().nanmean(dim=1).sqrt()
    return mean + deviations * deviation


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soundscapes", type=int, default=500)
    scenes = Scenes(parser.parse_args().soundscapes)
    features = scenes.features(Network(LogMel()))
    grid = features[0].grid
    assert grid is not None
    event = truth_of(scenes.scapes, grid, Mix()).labels >= 0
    levels = torch.cat([one.values for one in features])
    loudness = loudness_of(levels)
    asked = loudness.flatten().quantile(torch.linspace(0.01, 0.99, 99))
    ways = {
        "the best of each recording, by the truth": told(loudness, event, best_of_each(loudness, event)),
        "the best for all recordings, by the truth": max(told(loudness, event, float(one)) for one in asked),
        "two classes of least variance (Otsu)": told(loudness, event, dividing(loudness, torch.ones_like(event))),
        "two normal distributions": told(loudness, event, two_normals(loudness)),
    }
    for deviations in (1.0, 2.0):
        threshold = spread_of_quiet(levels, loudness, deviations)
        ways[f"the quiet quarter, {deviations:g} of its deviations above"] = told(loudness, event, threshold)
    print("| threshold | moments told rightly |\n|---|---|")
    for name, share in ways.items():
        print(f"| {name} | {share:.3f} |")


if __name__ == "__main__":
    main()
