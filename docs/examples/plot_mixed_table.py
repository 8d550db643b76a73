"""
A table with numbers, categories and dates
==========================================

Numbers, categories and dates are missing in the same table. `SNClassifier` takes it as it is:
nothing is imputed or encoded. A grid search tunes the network.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split

from sksn import SNClassifier

# %%
# We draw a table of 1500 customers. Whether they stay depends on their age, on what they spend, on
# their plan, on pairs of these, and on whether they joined on a weekend.

rng = np.random.default_rng(0)
n = 1500
frame = pd.DataFrame(
    {
        "age": rng.normal(45, 15, n).round(),
        "spent": rng.lognormal(3, 1, n).round(2),
        "visits": rng.poisson(6, n).astype(float),
        "plan": rng.choice(["free", "basic", "pro"], n, p=[0.5, 0.3, 0.2]),
        "region": rng.choice(["north", "south", "east", "west"], n),
        "joined": np.datetime64("2023-01-01") + rng.integers(730, size=n),
    }
)
weekend = frame["joined"].dt.day_of_week >= 5
pro = frame["plan"] == "pro"
signal = (
    (frame["age"] - 45) / 15
    + np.log(frame["spent"])
    - 3
    + 2 * pro
    - pro * frame["visits"] / 6
    + weekend
)
y = (signal + rng.logistic(0, 0.7, n) > 0).to_numpy()

# %%
# A quarter of the cells is then missing, text among them.

missing = rng.uniform(size=frame.shape) < rng.uniform(0, 0.5, size=(n, 1))
frame = frame.mask(missing)
print(frame.head())

# %%
# The category of a customer whose plan is missing is unobserved, like a missing number. A category
# that training has not seen is unobserved, too. The date becomes its time and its place in the week
# and the year, which count as one feature.

grid = {"alpha": [1, 10], "hidden_layer_sizes": [(32,), (128,)]}

X_train, X_test, y_train, y_test = train_test_split(frame, y, random_state=0)
model = SNClassifier(random_state=0)
search = GridSearchCV(model, grid, scoring="roc_auc", cv=3).fit(X_train, y_train)
print("chosen:", search.best_params_)

# %%
# Cross-validation within the training rows compares it with gradient boosted trees. They read NaN
# and categories as well, and need dates as numbers. The signal that we drew is smooth, which suits
# networks. On your table, trees may be better.


def for_trees(X):
    """Return text as categories, and dates as days."""
    days = (X["joined"] - X["joined"].min()).dt.days
    return X.assign(joined=days).astype({"plan": "category", "region": "category"})


trees = HistGradientBoostingClassifier(random_state=0)
models = {
    "SNClassifier": (search.best_estimator_, X_train),
    "HistGradientBoosting": (trees, for_trees(X_train)),
}
scores = {
    name: cross_val_score(estimator, X, y_train, cv=5, scoring="roc_auc")
    for name, (estimator, X) in models.items()
}
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.boxplot(list(scores.values()), tick_labels=list(scores), orientation="horizontal")
ax.set(xlabel="AUROC of five folds")
plt.show()
print(f"test rows: {search.score(X_test, y_test):.3f}")
