# %% [markdown]
# # Sound events, from recordings to vectors
#
# Twelve recordings of a few seconds, in which somebody hits, plucks and rubs things; nobody has written down when. We
# find the sounds, look at them, count them, and make vectors. Ten steps of training show the way and no more: a run
# that is worth something takes minutes ([audio events](../recipes/audio-events.md) has what it then reaches).
#
# First the recordings. Yours lie in a folder already; here they are mixed from the sounds that ship with the package.

# %%
from collections import Counter
from pathlib import Path

import soundfile
from IPython.display import HTML

import gestalt
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import Soundscapes, load_samples, recording

samples = load_samples()
scapes = Soundscapes(12, 0, samples.sounds.train, samples.backgrounds.train, Mix(seconds=4.0))
Path("recordings").mkdir()
for number in range(len(scapes)):
    made = recording(scapes.soundscape(number), Mix(seconds=4.0))
    soundfile.write(f"recordings/{number:02}.wav", made.samples.numpy(), made.sample_rate)

# %% [markdown]
# ## Train
#
# One call. It says what it found, what it trains, and how long that takes; `runs/mine/report.html` has the rest.

# %%
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("recordings", modality="audio", out="mine", training=short)

# %% [markdown]
# ## Look
#
# Every item has a number for each of its frames: the event that the frame is part of, or −1 for none.

# %%
found = model.discover("recordings")
first = found[0]
print(first.name, first.labels.tolist()[:24], "…")
HTML(model.modality.render(first.item, first.labels, first.places))

# %% [markdown]
# ## How many are there?

# %%
events = [len(set(item.labels.tolist()) - {-1}) for item in found]
print(sum(events), "events in", len(found), "recordings; recordings by how many they have:", dict(Counter(events)))

# %% [markdown]
# ## Vectors
#
# One vector for a recording, and one for each event, for whatever comes next: a classifier, a plot, a search.

# %%
vectors = model.embed("recordings")[0]
print("the recording:", tuple(vectors.item.shape), "its events:", tuple(vectors.objects.shape))

# %% [markdown]
# In the shell the same is `gestalt discover mine recordings`, which writes DCASE tables and label tracks for
# Audacity, and `gestalt embed mine recordings`. From here: [kinds that recur](../types.md), [answers from
# labels](../answers.md), [search](../search.md).
