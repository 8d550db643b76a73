"""
Choosing power
==============

`power` matters where three conditions hold: entries are raw and far from zero, rows differ much in
how many of their features are observed, and the network has no other input that tells this number.
This example shows a table with these conditions, and the same table standardized, where `power`
does not matter.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sksn import SNClassifier
from sksn.datasets import make_holes

X, y = load_breast_cancer(return_X_y=True)
X = make_holes(X / X.max(axis=0), rate=0.49, rate_spread=0.49, random_state=0)

# %%
# A deep network on raw entries, without the preparation that sksn does by default, is the setting
# of the paper.

plain = {"input_scaling": None, "n_bins": 0, "add_indicator": False}
networks = {
    "raw entries": SNClassifier(
        (64, 64, 64), "tanh", input_dropout=0, dropout=0, max_epochs=40, random_state=0, **plain
    ),
    "default preparation": SNClassifier(random_state=0),
}

# %%
# A grid search chooses `power` as any other parameter. The folds are the same for both.

powers = [0, 0.25, 0.5, 0.75, 1]
cv = StratifiedKFold(5, shuffle=True, random_state=0)
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, network in networks.items():
    search = GridSearchCV(network, {"power": powers}, cv=cv, scoring="roc_auc")
    search.fit(X, y)
    means = search.cv_results_["mean_test_score"]
    errors = search.cv_results_["std_test_score"] / np.sqrt(cv.n_splits)
    ax.errorbar(powers, means, errors, marker="o", capsize=3, label=name)
    print(f"{name}: power {search.best_params_['power']} is best, AUROC {search.best_score_:.3f}")
ax.set(xlabel="power", ylabel="AUROC, mean of five folds", xticks=powers)
ax.legend()
plt.show()

# %%
# Take power 1 for your own network on raw, non-negative entries, and keep the default of 1/2
# otherwise. The preparation gains more than SN: it is the better choice where it can be used.
