# %% [markdown]
# # Words that belong together
#
# Sentences, without any labels: which words form groups? We train on some, colour the groups of one, and ask
# which groups recur.

# %%
from collections import Counter
from itertools import groupby

from IPython.display import HTML

import gestalt

subjects = ["the old man", "a small bird", "the tall woman", "every child", "my grey cat", "the young doctor"]
verbs = ["saw", "followed", "heard", "painted", "has lost"]
objects = ["the wide sea", "a red boat", "the last train", "her new house", "two white horses"]
endings = ["in the morning", "near the river"]
texts = [f"{s} {v} {o} {e}." for s in subjects for v in verbs for o in objects for e in endings]
with open("texts.txt", "w") as file:
    file.write("\n".join(texts) + "\n")

# %% [markdown]
# ## Train
#
# Four groups a sentence.

# %%
groups = gestalt.ObjectFinder(gestalt.KMeans(objects=4), space="hidden")
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("texts.txt", modality="text", out="mine", finder=groups, training=short)

# %% [markdown]
# ## Look
#
# Equal colours are one group; the number of an element is the number of its word.

# %%
found = model.discover("texts.txt")
HTML(model.modality.render(found[0].item, found[0].labels, found[0].places))

# %% [markdown]
# ## Which stretches recur?
#
# Words that stand side by side in one group, over all sentences.


# %%
def stretches(item):
    for _, words in groupby(zip(item.labels.tolist(), item.item.words, strict=True), key=lambda pair: pair[0]):
        yield " ".join(word for _, word in words)


print(Counter(stretch for item in found for stretch in stretches(item)).most_common(8))

# %% [markdown]
# `gestalt discover mine texts.txt` writes spans as JSON Lines and CoNLL; [text spans](../recipes/text-spans.md) has
# what is reached on real text, and which rules are as good.
