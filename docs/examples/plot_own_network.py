"""
Your own torch network
======================

:mod:`sksn.nn` has layers for networks that you write and train yourself. They take tensors with
NaN, and :func:`~sksn.nn.sparsity_normalize_` changes a network that exists.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn

from sksn.datasets import make_holes
from sksn.nn import sparsity_normalize_

# %%
# Raw, non-negative entries are the setting of the paper: 30 measurements between 0 and 1, with 0 to
# 98 % of each row missing. K is the mean number of observed features of the training rows.

X, y = load_breast_cancer(return_X_y=True)
X = make_holes(X / X.max(axis=0), rate=0.49, rate_spread=0.49, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
X_train, X_test, y_train = (
    torch.tensor(array, dtype=torch.float32) for array in (X_train, X_test, y_train)
)
K = float((~X_train.isnan()).sum(dim=1).float().mean())

# %%
# A network with three hidden layers. Without SN, it reads zeros for missing entries. In the other
# network, `sparsity_normalize_` changes the first layer in place. The weights stay as they are.


def network():
    torch.manual_seed(0)
    widths = [30, 64, 64, 64]
    hidden = [(nn.Linear(*pair), nn.Tanh()) for pair in itertools.pairwise(widths)]
    return nn.Sequential(*itertools.chain(*hidden), nn.Linear(64, 1))


networks = {
    "zeros": network(),
    "SN, power 1": sparsity_normalize_(network(), target=K),
}
print(networks["SN, power 1"][0])

# %%
# The loop of training is yours. `torch.compile(net)` works as well, and so do autocast and
# `torch.export`.


def train(net, X):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            logits = net(X[rows])[:, 0]
            nn.functional.binary_cross_entropy_with_logits(logits, y_train[rows]).backward()
            optimizer.step()
    return net.eval()


def inputs(name, X):
    return X.nan_to_num(0) if name == "zeros" else X


with torch.no_grad():
    outputs = {}
    for name, net in networks.items():
        with torch.enable_grad():
            train(net, inputs(name, X_train))
        outputs[name] = net(inputs(name, X_test))[:, 0].sigmoid().numpy()
        print(f"{name}: AUROC {roc_auc_score(y_test, outputs[name]):.3f}")

# %%
# Without SN, the output depends on how many features are observed.

n_observed = (~X_test.isnan()).sum(dim=1).numpy()
groups = np.array_split(np.argsort(n_observed), 6)
x = [n_observed[rows].mean() for rows in groups]
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, output in outputs.items():
    ax.plot(x, [output[rows].mean() for rows in groups], "o-", label=name)
ax.plot(x, [y_test[rows].mean() for rows in groups], "k:", label="true share of benign cases")
ax.set(xlabel="observed features", ylabel="mean predicted probability", ylim=(0, 1))
ax.legend()
plt.show()
