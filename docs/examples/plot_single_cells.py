"""
Single cells
============

Counts of RNA molecules differ between cells for a technical reason: some cells are read more deeply
than others. A network should see what a cell expresses, and not how deeply it was read.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sksn import SNClassifier
from sksn.inspection import SparsityBiasDisplay

# %%
# We draw 1500 cells of six types and 2000 genes. Half of the types are close relatives. The depth
# of a cell is log-normal, so some cells have a few dozen molecules, and some a thousand.

rng = np.random.default_rng(0)
base = rng.gamma(0.3, size=2000)
programs = base * np.exp(0.9 * rng.normal(size=(3, 2000)))
types = np.vstack([programs, programs * np.exp(0.35 * rng.normal(size=(3, 2000)))])
types /= types.sum(axis=1, keepdims=True)
y = rng.integers(6, size=1500)
depth = rng.lognormal(np.log(200), 1, size=(1500, 1))
X = sparse.csr_array(rng.poisson(depth * types[y]).astype(float))
n_observed = np.diff(X.indptr)
print(f"{100 * X.nnz / np.prod(X.shape):.1f} % of the counts are not zero")
print(f"genes seen in a cell: {np.quantile(n_observed, [0.05, 0.5, 0.95]).astype(int)}")

# %%
# The matrix goes into :class:`~sksn.SNClassifier` as it is: sparse, raw counts. It is never made
# dense.

cv = StratifiedKFold(3, shuffle=True, random_state=0)
model = SNClassifier(random_state=0)
predicted = cross_val_predict(model, X, y, cv=cv)
print(f"accuracy of three folds: {np.mean(predicted == y):.3f}")

# %%
# The leading directions of raw counts show depth. The hidden layer of the network shows types.
# Cells with few molecules remain hard: the right panel shows the accuracy by the number of genes.

model.fit(X[::2], y[::2])
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
raw = TruncatedSVD(2, random_state=0).fit_transform(X[1::2])
picture = axes[0].scatter(*raw.T, c=np.log10(n_observed[1::2] + 1), s=4, cmap="viridis")
figure.colorbar(picture, ax=axes[0], label="genes seen, log10")
axes[0].set(title="Raw counts, two directions", xticks=[], yticks=[])

logits = np.log(model.predict_proba(X[1::2]) + 1e-6)
centred = logits - logits.mean(axis=1, keepdims=True)
of_network = TruncatedSVD(2, random_state=0).fit_transform(centred)
axes[1].scatter(*of_network.T, c=y[1::2], s=4, cmap="tab10")
axes[1].set(title="Outputs of the network, by type", xticks=[], yticks=[])

SparsityBiasDisplay.from_estimator(
    model, X[1::2], y[1::2], kind="score", scoring="accuracy", ax=axes[2]
)
axes[2].set_title("Accuracy by genes seen")
plt.show()
