# %% [markdown]
# # Molecules and their parts
#
# A list of molecules, and a number that was measured of some. We find parts, draw them, and let a linear model
# predict the number from the vectors. Ten steps of training show the way and no more:
# [molecules](../recipes/molecules.md) has the numbers that count.

# %%
from pathlib import Path

import numpy as np
from IPython.display import HTML
from sklearn.linear_model import Ridge

import gestalt

Path("molecules.smi").write_text(
    """\
CCO
CCN
CCCO
CCCN
CCCCO
c1ccccc1O
c1ccccc1N
Cc1ccccc1
CC(=O)O
CC(=O)N
CCC(=O)O
c1ccncc1
Cc1ccncc1
CC(=O)OCC
CCOC(=O)CC
Oc1ccc(C)cc1
Nc1ccc(C)cc1
CC(C)O
CC(C)N
CC(=O)Nc1ccc(O)cc1
CC(=O)Oc1ccccc1C(=O)O
OCCO
NCCN
NCCO
"""
)
smiles = Path("molecules.smi").read_text().split()

# %% [markdown]
# ## Train, without any number
#
# Four parts a molecule will do for ones as small as these.

# %%
parts = gestalt.ObjectFinder(gestalt.KMeans(objects=4), space="hidden")
short = gestalt.Training(steps=10, batch=8, lr=2e-3, warmup=1, log_every=2, workers=0, accelerator="cpu")
model = gestalt.train("molecules.smi", modality="graph", out="mine", finder=parts, training=short)

# %% [markdown]
# ## The parts of one of them
#
# Aspirin: atoms of one colour are one part.

# %%
aspirin = model.discover("molecules.smi")[smiles.index("CC(=O)Oc1ccccc1C(=O)O")]
print(aspirin.name, aspirin.labels.tolist())
HTML(model.modality.render(aspirin.item, aspirin.labels, aspirin.places))

# %% [markdown]
# ## A number from the vectors
#
# The number here is how many heavy atoms are no carbon, which we can count; yours comes from the laboratory. Sixteen
# molecules are known, eight are predicted.

# %%
vectors = np.stack([one.item.numpy() for one in model.embed("molecules.smi")])
hetero = np.array([sum(letter in "ON" for letter in text.upper()) for text in smiles], float)
guess = Ridge(1.0).fit(vectors[:16], hetero[:16]).predict(vectors[16:])
error, always = np.abs(guess - hetero[16:]).mean(), np.abs(hetero[:16].mean() - hetero[16:]).mean()
print(f"mean error {error:.2f}; always saying the mean of the known ones: {always:.2f}")

# %% [markdown]
# `gestalt fit mine molecules.csv --labels-column …` does the same with folds, intervals and a model that is kept:
# [answers](../answers.md). Tables, SDF and graphs of other sorts are read, too
# ([graph](../../modalities/graph/README.md)).
