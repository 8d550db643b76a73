"""
What Sparsity Normalization does to activations
===============================================

A linear layer adds one product for each observed feature. So a row with many observed features
gets larger sums than a row with few. Sparsity Normalization multiplies each row by
:math:`(K / n)^{\\text{power}}`, where :math:`n` is its number of observed features.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from sksn.datasets import make_holes
from sksn.nn import SNLinear

# %%
# The pixels of the digits lie between 0 and 1. We remove between 0 and 98 % of the pixels of each
# image.

X = load_digits().data / 16
X = make_holes(X, rate=0.49, rate_spread=0.49, random_state=0)
n_observed = (~np.isnan(X)).sum(axis=1)

# %%
# A layer with random weights reads the images in three ways: missing pixels are zeros (power 0), or
# rows are also scaled with power 1/2 or 1. The weights are the same.

torch.manual_seed(0)
weights = nn.Linear(64, 256)
outputs = {}
for name, power in [("power 0 (zeros)", 0.0), ("power 1/2", 0.5), ("power 1", 1.0)]:
    layer = SNLinear(64, 256, target=n_observed.mean(), power=power)
    layer.load_state_dict(weights.state_dict(), strict=False)
    with torch.no_grad():
        outputs[name] = layer(torch.tensor(X, dtype=torch.float32)).numpy()

# %%
# The left panel shows the output of one unit for each row, with its mean. The right panel shows the
# size of all outputs. Without SN, both grow with the number of observed pixels. Power 1 keeps the
# mean of a unit even, and makes rows with few observed pixels noisy. Power 1/2 keeps the size even.

groups = np.array_split(np.argsort(n_observed), 12)
x = [n_observed[rows].mean() for rows in groups]
unit = int(np.argmax(np.abs(outputs["power 0 (zeros)"].mean(axis=0))))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for (name, output), color in zip(outputs.items(), ["C3", "C0", "C1"], strict=True):
    left.plot(n_observed, output[:, unit], ".", color=color, markersize=2, alpha=0.5)
    left.plot(x, [output[rows, unit].mean() for rows in groups], color=color, label=name)
    right.plot(x, [output[rows].std() for rows in groups], "o-", color=color, label=name)
left.set(xlabel="observed pixels", ylabel="output of a unit", title="One unit")
right.set(xlabel="observed pixels", ylabel="standard deviation", title="Size of all outputs")
right.set_ylim(bottom=0)
left.set_ylim(*np.quantile(outputs["power 0 (zeros)"][:, unit], [0, 1]) * 1.3 - 0.2)
right.legend()
plt.show()
