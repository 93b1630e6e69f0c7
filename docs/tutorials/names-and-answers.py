# %% [markdown]
# # From recordings without labels to answers: types, names, a model, search
#
# Nobody has labelled these recordings. We find the sounds, see which kinds recur, name two kinds, and let a model say
# where they are in recordings that it has not seen. Ten steps of training show the way and no more.
#
# The recordings are mixed from sounds that ship with the package: eight to learn from, and four others.

# %%
import csv
from pathlib import Path

import soundfile
from IPython.display import HTML

import gestalt
from gestalt.cli.commands import execute
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import Soundscapes, load_samples, recording

samples, mix = load_samples(), Mix(seconds=4.0)
for folder, seed, count in (("recordings", 0, 8), ("others", 1, 4)):
    scapes = Soundscapes(count, seed, samples.sounds.train, samples.backgrounds.train, mix)
    Path(folder).mkdir()
    for number in range(count):
        made = recording(scapes.soundscape(number), mix)
        soundfile.write(f"{folder}/{number:02}.wav", made.samples.numpy(), made.sample_rate)
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("recordings", modality="audio", out="mine", training=short)

# %% [markdown]
# ## Which kinds of sounds recur?
#
# Objects whose vectors lie together are of one type. In the shell it is `gestalt types mine recordings`; whatever a
# command does, `execute` does here. It writes `types/types.html`, on which you listen to members of every type.

# %%
execute(["types", "mine", "recordings", "--by", "balanced", "--number", "4", "--out", "types"])
with Path("types/types.csv").open(encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
for kind in sorted({row["type"] for row in rows}):
    print("type", kind, "has", sum(row["type"] == kind for row in rows), "of", len(rows), "events")

# %% [markdown]
# Here is the first event of type 1, cut out of its recording.

# %%
first = next(row for row in rows if row["type"] == "1")
item = next(one for one in model.discover("recordings") if Path(first["file"]).name in str(one.name))
HTML(model.modality.render_object(item.item, item.labels == int(first["number"]), item.places))

# %% [markdown]
# ## Name two of them
#
# The page saves `names.csv` when you have typed names into its fields. Two lines are enough. With them, `types` writes
# the events of these types as labels.

# %%
Path("names.csv").write_text("type,name\n1,one kind\n2,another kind\n", encoding="utf-8")
execute(["types", "mine", "recordings", "--like", "types", "--names", "names.csv", "--out", "named"])
print(*Path("named/masks/events.csv").read_text(encoding="utf-8").splitlines()[:4], sep="\n")

# %% [markdown]
# ## A model that says these names
#
# `fit` learns the names on the finished run, and what has none may be anything (`--rest unlabelled`).

# %%
labels = ["--masks", "named/masks/events.csv", "--of", "objects", "--rest", "unlabelled"]
execute(["fit", "mine", "recordings", *labels, "--out", "model"])
execute(["predict", "model", "others", "--out", "answers"])
print(*Path("answers/events.csv").read_text(encoding="utf-8").splitlines()[:6], sep="\n")

# %% [markdown]
# ## What is like this one?
#
# An index of all recordings and events, and which recordings lie nearest to one that is not in it.

# %%
model.index("recordings", "archive")
for answer in model.search("archive", "others/00.wav", gestalt.Searching(hits=3)):
    for hit in answer.hits:
        print(f"{hit.similarity:.3f}", hit.row.path.name)

# %% [markdown]
# After ten steps the types are rough, and so are the answers: [end to end](../end-to-end.md) measures this loop after a
# real training. More of each step: [types](../types.md), [from a run to answers](../answers.md),
# [search](../search.md).
