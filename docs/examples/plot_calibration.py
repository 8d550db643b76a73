"""
Are probabilities right where little is known?
==============================================

A row with few observed features should get a probability near the class shares, and a row with many
may be sure. Calibration curves by the number of observed features show whether a model does so.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksn import SNClassifier
from sksn.datasets import make_holes

# %%
X, y = make_classification(
    3000, 20, n_informative=8, n_redundant=4, flip_y=0.05, weights=[0.7], random_state=0
)
X = make_holes(X, rate=0.49, rate_spread=0.49, random_state=0)
n_observed = (~np.isnan(X)).sum(axis=1)

# %%
# Both models predict rows that they have not seen. The MLP of scikit-learn gets means and
# indicators of missing entries, and stops early.

models = {
    "SNClassifier": SNClassifier(random_state=0),
    "SimpleImputer + MLP": make_pipeline(
        SimpleImputer(add_indicator=True),
        StandardScaler(),
        MLPClassifier((128,), early_stopping=True, max_iter=100, random_state=0),
    ),
}
predicted = {
    name: cross_val_predict(model, X, y, cv=3, method="predict_proba")[:, 1]
    for name, model in models.items()
}
for name, p in predicted.items():
    print(f"{name}: log loss {log_loss(y, p):.3f}")

# %%
few, many = n_observed <= 6, n_observed >= 14
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for axis, rows, title in ((axes[0], few, "at most 6"), (axes[1], many, "at least 14")):
    for name, p in predicted.items():
        CalibrationDisplay.from_predictions(
            y[rows], p[rows], n_bins=6, strategy="quantile", name=name, ax=axis
        )
    axis.set_title(f"{title} of 20 features observed")
    axis.set(xlabel="predicted probability", ylabel="share of the class")
plt.show()
