# %% [markdown]
# # Pictures with captions
#
# An item may have parts of several modalities. Here each is a picture with a sentence; objects are found in both at
# once, and an object may span them: the region and the word that names it.

# %%
from pathlib import Path

import numpy as np
from IPython.display import HTML
from PIL import Image, ImageDraw

import gestalt

rng = np.random.default_rng(0)
colours = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 200), "yellow": (230, 200, 40)}
Path("scenes").mkdir()
for number in range(32):
    name, colour = list(colours.items())[number % 4]
    shape = ("disc", "square")[number // 4 % 2]
    picture = Image.new("RGB", (64, 64), (235, 235, 230))
    x, y = rng.integers(4, 30, 2).tolist()
    draw = ImageDraw.Draw(picture)
    (draw.ellipse if shape == "disc" else draw.rectangle)((x, y, x + 28, y + 28), fill=colour)
    picture.save(f"scenes/{number:02}.png")
    Path(f"scenes/{number:02}.txt").write_text(f"A {name} {shape} lies on the table.\n")

# %% [markdown]
# ## Train
#
# The name of the modality is those of its parts, and files of one name belong together.

# %%
found_by = gestalt.ObjectFinder(gestalt.KMeans(objects=4), space="hidden")
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("scenes", modality="image+text", out="mine", finder=found_by, training=short)

# %% [markdown]
# ## Look
#
# A colour is one object, in the picture and in the words.

# %%
found = model.discover("scenes")
HTML(model.modality.render(found[0].item, found[0].labels, found[0].places))

# %% [markdown]
# ## What is alike?
#
# Vectors of whole items; the nearest neighbour of the first is of its own colour or shape, or it is not: look.

# %%
vectors = np.stack([one.item.numpy() for one in model.embed("scenes")])
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
order = np.argsort(-(unit[1:] @ unit[0]))[:3] + 1
for number in (0, *order.tolist()):
    print(number, Path(f"scenes/{number:02}.txt").read_text().strip())

# %% [markdown]
# [Items with parts](../joint.md) has clips with sound, retrieval from a text to a picture, and which methods compare
# parts.
