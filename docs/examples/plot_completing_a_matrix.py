"""
Completing a matrix
===================

:class:`~sksn.SNAutoencoder` predicts the missing entries of rows, those of new rows as well. It is
a transformer, so it stands where an imputer would.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.model_selection import train_test_split

from sksn import SNAutoencoder

# %%
# Half of the pixels of each image are removed at random.

X, _ = load_digits(return_X_y=True)
missing = np.random.default_rng(0).uniform(size=X.shape) < 0.5
X_missing = np.where(missing, np.nan, X)
train, test = train_test_split(np.arange(len(X)), random_state=0)

# %%
# All three learn from the training images and complete the test images, which they have not seen.

imputers = {
    "SNAutoencoder": SNAutoencoder(random_state=0),
    "KNNImputer": KNNImputer(),
    "SimpleImputer": SimpleImputer(),
}
completed, errors = {}, {}
for name, imputer in imputers.items():
    completed[name] = imputer.fit(X_missing[train]).transform(X_missing[test])
    difference = (completed[name] - X[test])[missing[test]]
    errors[name] = np.sqrt(np.mean(difference**2))
    print(f"{name}: RMSE of the missing pixels {errors[name]:.2f}, of a range of 16")

# %%
figure, axes = plt.subplots(5, 8, figsize=(8, 5), layout="constrained")
rows = {"image": X[test], "observed": X_missing[test]} | completed
for axis_row, (name, images) in zip(axes, rows.items(), strict=True):
    for axis, image in zip(axis_row, images[:8], strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axis.set(xticks=[], yticks=[])
    axis_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# `score` needs no complete data: it hides a tenth of the observed entries and returns R squared of
# their predictions, in units of each feature. A grid search can therefore tune the autoencoder.

score = imputers["SNAutoencoder"].score(X_missing[test])
print(f"score: {score:.3f}")
