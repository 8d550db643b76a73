"""
What a model says about a missing value
=======================================

A doctor orders a test when a patient looks ill, so that a missing value says something too. Partial
dependence shows the prediction by the value of a feature, and where it is missing. Occlusion
importance shows how much worse predictions become when a value is hidden.
"""

# %%
# The data
# --------
# Illness raises "lactate" and the heart rate. Lactate is measured in most patients who look ill and
# in few others. Age and "noise" say little or nothing.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sksn import SNClassifier, inspection

random = np.random.RandomState(0)
n = 3000
ill = random.uniform(size=n) < 0.3
lactate = np.where(ill, 3, 1.5) * np.exp(0.4 * random.normal(size=n))
measured = random.uniform(size=n) < np.where(ill, 0.8, 0.25)
X = pd.DataFrame(
    {
        "lactate": np.where(measured, lactate, np.nan),
        "heart rate": 75 + 12 * ill + 12 * random.normal(size=n),
        "age": 60 + 3 * ill + 15 * random.normal(size=n),
        "noise": random.normal(size=n),
    }
)
X = X.mask(random.uniform(size=X.shape) < 0.1)
model = SNClassifier(random_state=0).fit(X[:2000], ill[:2000])
X_test, y_test = X[2000:], ill[2000:]

# %%
# By value, and without it
# ------------------------
# The dashed line is the mean probability if nobody's lactate were known. It lies where a low value
# does: the model has learned that the test is rarely ordered for people who are well.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, feature in zip(axes, ["lactate", "heart rate"], strict=True):
    inspection.PartialDependenceDisplay.from_estimator(
        model, X_test, feature, class_of_interest=True, ax=ax
    )
figure.tight_layout()

# %%
# What matters
# ------------
# One prediction of all rows hides one entry of each. Rows have four entries at most here, so the
# default of five such predictions hides each entry once.

importance = inspection.occlusion_importance
found = importance(model, X_test, y_test, random_state=0)
figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
error = 2 * found.standard_error
ax.barh(found.features, found.importance, xerr=error)
ax.invert_yaxis()
ax.set_xlabel("increase of the log loss when hidden")
plt.show()
