"""
Does a model depend on how much is observed?
============================================

:func:`~sksn.inspection.sparsity_bias` measures how the predictions of a model of any library change
with the number of observed features of a row. If features are missing at random, the mean
prediction should not change.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sksn import SNRegressor
from sksn.datasets import make_holes
from sksn.inspection import SparsityBiasDisplay, sparsity_bias

# %%
# Few cells are missing in training, and many later, at random. So the number of observed features
# says nothing about y.

X, y = load_diabetes(return_X_y=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
X_train = make_holes(X_train, rate=0.1, rate_spread=0.1, random_state=0)
X_test = make_holes(X_test, rate=0.45, rate_spread=0.45, random_state=1)

# %%
# Zeros in place of missing raw entries are the classical mistake.

models = {
    "zeros + Ridge": make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0), RidgeCV(alphas=np.logspace(-2, 4, 7))
    ),
    "HistGradientBoosting": HistGradientBoostingRegressor(max_iter=40, random_state=0),
    "SNRegressor": SNRegressor(random_state=0),
}
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, model in models.items():
    model.fit(X_train, y_train)
    bias = sparsity_bias(model, X_test)
    low, high = bias.slope_interval
    print(f"{name}: {bias.slope:+.1f} for each observed feature (95 %: {low:+.1f} to {high:+.1f})")
    SparsityBiasDisplay(bias, name=name).plot(ax=ax)
ax.axhline(np.mean(y_test), color="k", linestyle=":", label="mean of y")
ax.legend()
plt.show()
