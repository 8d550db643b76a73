"""
A table with numbers and categories, in a pipeline
==================================================

Numbers and categories are missing in the same table. :class:`~sksn.SNClassifier` takes the data
frame as it is, a grid search tunes the network, and nothing is encoded or imputed.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sksn import SNClassifier

# %%
# We draw a table of 1000 customers. Whether they stay depends on their age, on what they spend, on
# their plan, and on pairs of these.

rng = np.random.default_rng(0)
n = 1000
frame = pd.DataFrame(
    {
        "age": rng.normal(45, 15, n).round(),
        "spent": rng.lognormal(3, 1, n).round(2),
        "visits": rng.poisson(6, n).astype(float),
        "plan": rng.choice(["free", "basic", "pro"], n, p=[0.5, 0.3, 0.2]),
        "region": rng.choice(["north", "south", "east", "west"], n),
    }
)
pro = frame["plan"] == "pro"
signal = (frame["age"] - 45) / 15 + np.log(frame["spent"]) - 3 + 2 * pro - pro * frame["visits"] / 6
y = (signal + rng.logistic(0, 0.7, n) > 0).to_numpy()

# %%
# A quarter of the cells is then missing, text among them.

missing = rng.uniform(size=frame.shape) < rng.uniform(0, 0.5, size=(n, 1))
frame = frame.mask(missing)
print(frame.head())

# %%
# Columns of text are categories. A step before the network adds a column.


def with_spent_per_visit(frame):
    return frame.assign(per_visit=frame["spent"] / frame["visits"].clip(lower=1))


add_column = FunctionTransformer(with_spent_per_visit)
model = make_pipeline(add_column, SNClassifier(random_state=0))
grid = {"snclassifier__hidden_layer_sizes": [(32,), (128,)]}

X_train, X_test, y_train, y_test = train_test_split(frame, y, random_state=0)
search = GridSearchCV(model, grid, scoring="roc_auc", cv=3).fit(X_train, y_train)
print("chosen:", search.best_params_)

# %%
# Cross-validation within the training rows compares it with gradient boosted trees, which read NaN
# and categories as well. The signal that we drew is smooth, which suits networks. On your table,
# trees may be better.

as_categories = FunctionTransformer(
    lambda frame: frame.astype({"plan": "category", "region": "category"})
)
trees = make_pipeline(add_column, as_categories, HistGradientBoostingClassifier(random_state=0))
models = {"SNClassifier": search.best_estimator_, "HistGradientBoosting": trees}
scores = {
    name: cross_val_score(estimator, X_train, y_train, cv=5, scoring="roc_auc")
    for name, estimator in models.items()
}
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.boxplot(list(scores.values()), tick_labels=list(scores), orientation="horizontal")
ax.set(xlabel="AUROC of five folds")
plt.show()
print(f"test rows: {search.score(X_test, y_test):.3f}")
