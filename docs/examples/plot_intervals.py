"""
Intervals that widen where little is known
==========================================

:class:`~sksn.SNRegressor` with ``loss="quantile"`` predicts quantiles, several at once. A row
with few observed features should get a wide interval, and one with many a narrow interval.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split

from sksn import SNRegressor
from sksn.datasets import make_holes

X, y = make_friedman1(3000, noise=1, random_state=0)
X = make_holes(X, rate=0.45, rate_spread=0.45, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

# %%
# Three levels give a median and an interval that should hold 80 % of the rows. The levels never
# cross.

model = SNRegressor(loss="quantile", quantile=[0.1, 0.5, 0.9], random_state=0)
low, median, high = model.fit(X_train, y_train).predict(X_test).T
assert (low <= median).all()
assert (median <= high).all()
inside = (low <= y_test) & (y_test <= high)
print(f"inside the interval: {inside.mean():.0%} of the test rows")

# %%
n_observed = (~np.isnan(X_test)).sum(axis=1)
counts = np.unique(n_observed)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(counts, [np.mean((high - low)[n_observed == n]) for n in counts], "o-")
left.set(xlabel="observed features", ylabel="mean width of the interval", ylim=(0, None))
right.plot(counts, [inside[n_observed == n].mean() for n in counts], "o-")
right.axhline(0.8, color="k", linestyle=":", label="aim")
right.set(xlabel="observed features", ylabel="share inside the interval", ylim=(0.5, 1))
right.legend()
plt.show()
