"""
Saving and loading a model
==========================

A fitted estimator is saved by joblib, like any of scikit-learn. The loaded model gives the same
predictions, and can go on learning.
"""

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from sksn import SNClassifier
from sksn.datasets import make_holes

X, y = load_breast_cancer(return_X_y=True)
X = make_holes(X, rate=0.4, rate_spread=0.4, random_state=0)
X, X_later, X_test = X[:200], X[200:400], X[400:]
y, y_later, y_test = y[:200], y[200:400], y[400:]

# %%
# Only load files that you trust: like every pickle, the file can run code.

model = SNClassifier(random_state=0).fit(X, y)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.joblib"
    joblib.dump(model, path, compress=3)
    print(f"{path.stat().st_size / 1024:.0f} KiB")
    loaded = joblib.load(path)
assert np.array_equal(loaded.predict_proba(X_test), model.predict_proba(X_test))

# %%
# A row's prediction does not depend on the rows beside it, so a service may send one row or many.

assert np.allclose(loaded.predict_proba(X_test[:1]), loaded.predict_proba(X_test)[:1])

# %%
# The loaded model learns from rows that arrive later, in small batches, with `partial_fit`.

scores = [roc_auc_score(y_test, loaded.predict_proba(X_test)[:, 1])]
for epoch in range(10):
    for rows in np.array_split(np.random.default_rng(epoch).permutation(len(X_later)), 4):
        loaded.partial_fit(X_later[rows], y_later[rows])
    scores.append(roc_auc_score(y_test, loaded.predict_proba(X_test)[:, 1]))

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.plot(scores, "o-", markersize=3)
ax.axhline(roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]), color="k", linestyle=":")
ax.set(xlabel="passes over the later rows", ylabel="AUROC of test rows", xticks=range(0, 11, 2))
plt.show()
