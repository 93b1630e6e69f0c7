# %% [markdown]
# # A data type of your own
#
# Three sensors, sampled a hundred times a second. One file says how such series are read, changed, encoded and shown;
# it is [`motion.py`](../plug-ins/motion.py), which the page [Add a modality](../plug-in.md) builds step by step. We
# check its laws, make series whose pieces we know, and see whether they are found.

# %%
from pathlib import Path

import motion
import numpy as np
from IPython.display import HTML

import gestalt
from gestalt.core.conformance import findings

# %% [markdown]
# ## Does it keep the laws?

# %%
for finding in findings(motion.MODALITY):
    print("pass" if finding.passed else "FAIL", finding.law)

# %% [markdown]
# ## Series of known pieces
#
# Each has a slow piece, a fast one and a slow one again.

# %%
rng = np.random.default_rng(0)
Path("series").mkdir()
for number in range(24):
    cuts = np.sort(rng.integers(60, 340, 2))
    time = np.arange(400)
    rate = np.where((time >= cuts[0]) & (time < cuts[1]), 0.9, 0.15)
    wave = np.sin(np.cumsum(rate))[:, None] * np.array([1.0, 0.6, -0.8]) + 0.05 * rng.standard_normal((400, 3))
    np.save(f"series/{number:02}.npy", wave.astype(np.float32))

# %% [markdown]
# ## Train and look

# %%
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("series", modality=motion.MODALITY, out="mine", training=short)
item = model.discover("series")[0]
HTML(model.modality.render(item.item, item.labels, item.places))

# %% [markdown]
# On the command line the same is `gestalt run objects --modality motion:MODALITY --data series`; an entry point in
# your own package gives it a name.
