"""Point clouds: arrays of points × (x, y, z, reflectance) from .npy files."""

import html

import numpy as np
import torch
from torch import nn

import gestalt
from gestalt.core.modality.colours import colour_of


def load(path):  # a ValueError says what is wrong with a file
    cloud = np.load(path, allow_pickle=False)
    if cloud.ndim != 2 or cloud.shape[1] != 4 or len(cloud) < 8 or not np.isfinite(cloud).all():
        raise ValueError(f"must hold at least 8 points × 4 finite numbers, got {cloud.shape}")
    return cloud.astype(np.float32)


class PointNet(gestalt.AbstractEncoder):  # every point beside the maximum over all points of its cloud
    def __init__(self, dim=32):
        super().__init__()
        self.dim = dim
        self.point, self.both = nn.Linear(4, dim), nn.Linear(2 * dim, dim)

    def forward(self, data):
        points = self.point(data.values).relu() * data.valid[..., None]  # so that padding is no maximum
        cloud = points.amax(dim=1, keepdim=True).expand_as(points)
        return data.with_values(self.both(torch.cat([points, cloud], dim=2)).relu())


class Rotation(gestalt.AbstractTransform):  # about the vertical axis
    def __call__(self, cloud, rng):
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
        return np.column_stack([cloud[:, :2] @ turn, cloud[:, 2:]]), gestalt.Index.identity(len(cloud))


class Jitter(gestalt.AbstractTransform):
    def __call__(self, cloud, rng):
        return cloud + rng.normal(0, 0.02, cloud.shape).astype(np.float32), gestalt.Index.identity(len(cloud))


class Crop(gestalt.AbstractTransform):  # the three quarters that lie on one side of a random plane
    def __call__(self, cloud, rng):
        kept = np.argsort(cloud[:, :3] @ rng.normal(size=3), kind="stable")[len(cloud) // 4 :]
        return cloud[kept], gestalt.Index.of(kept.tolist())


class CutOut(gestalt.AbstractTransform):  # a hole: without the eighth that is nearest to a random point
    def __call__(self, cloud, rng):
        distance = np.linalg.norm(cloud[:, :3] - cloud[rng.integers(len(cloud)), :3], axis=1)
        kept = np.argsort(distance, kind="stable")[len(cloud) // 8 :]
        return cloud[kept], gestalt.Index.of(kept.tolist())


def unchanged(cloud):
    return gestalt.Index.identity(len(cloud))


class PointClouds(gestalt.AbstractModality):
    name, element = "clouds", "point"
    encoders = {"raw": lambda dim=4: gestalt.Identity(dim), "pointnet": PointNet}
    transforms = {"rotation": Rotation(), "jitter": Jitter(), "crop": Crop(), "cut_out": CutOut()}
    steps = [(1.0, Rotation()), (1.0, Jitter()), (1.0, Crop()), (0.5, CutOut())]
    views = gestalt.Views(gestalt.Chain(unchanged), (gestalt.Chain(unchanged, steps),) * 2)

    def read(self, paths, skip_bad=False):
        return gestalt.read_files(paths, {".npy"}, load, skip_bad, "point clouds")

    def collate(self, clouds):
        return gestalt.FeatureMap.padded([torch.from_numpy(cloud) for cloud in clouds])

    def computed(self, cloud):  # numbers that a network can learn to predict: --method computed
        spread = np.linalg.eigvalsh(np.cov(cloud[:, :3].T))  # from flat to round
        numbers = {f"spread {place}": float(value) for place, value in enumerate(spread)}
        return numbers | {"points": len(cloud), "height": np.ptp(cloud[:, 2]), "reflectance": cloud[:, 3].mean()}

    def render(self, cloud, found, grid, truth=()):  # from above
        places = (cloud[:, :2] - cloud[:, :2].min(axis=0)) / max(np.ptp(cloud[:, :2], axis=0).max(), 1e-6)
        dots = "".join(
            f'<circle cx="{x:.3f}" cy="{y:.3f}" r="0.01" fill="{colour_of(number)}"/>'
            for (x, y), number in zip(places.tolist(), found.tolist(), strict=True)
        )
        names = ", ".join(html.escape(name) for name, _ in truth)
        return f'<figure><svg viewBox="0 0 1 1" width="300">{dots}</svg><figcaption>{names}</figcaption></figure>'

    def transplant(self, host, donor, part, rng):  # optional: points of another cloud, turned, among the host's
        taken = np.flatnonzero(part.labels >= 0).tolist()
        if not 0 < len(taken) <= len(host):
            return None
        piece, _ = Rotation()(donor[taken], rng)
        piece[:, :2] += host[rng.integers(len(host)), :2] - piece[:, :2].mean(axis=0)
        origins = [*range(len(host)), *[-1] * len(taken)], [*[-1] * len(host), *taken]
        return gestalt.Transplant.of_set(np.concatenate([host, piece]), *origins)

    def specimens(self):
        return [specimen(points, seed) for seed, points in enumerate((40, 48, 32))]


def specimen(points, seed):  # a dull ball and a bright one
    labels = np.arange(points) * 2 // points
    place = np.random.default_rng(seed).normal(3 * labels[:, None], 0.5, (points, 3))
    cloud = np.column_stack([place, 0.2 + 0.6 * labels]).astype(np.float32)

    def mark(point):  # changed in what no transform decides by: where a point lies says which are cropped
        marked = cloud.copy()
        marked[point, 3] += 5
        return marked

    return gestalt.Specimen(cloud, torch.from_numpy(labels), mark, (("dull ball", None), ("bright ball", None)))


MODALITY = PointClouds()
