"""
Images with missing pixels
==========================

A convolution sees small windows, which differ much in how much of them is observed.
:class:`~sksn.nn.SNConv2d` takes the place of :class:`torch.nn.Conv2d`, reads NaN, and scales each
window. It gains most on raw pixels, and little once pixels are centred.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from sksn.datasets import make_holes
from sksn.nn import SNConv2d

# %%
# Between 0 and 98 % of the pixels of each image are removed.

X, y = load_digits(return_X_y=True)
X = make_holes(X / 16, rate=0.49, rate_spread=0.49, random_state=0)
X = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8)
y = torch.tensor(y)
train, test = train_test_split(np.arange(len(X)), test_size=0.4, random_state=0, stratify=y)

# %%
# The same small network is trained with each of the two layers. Conv2d reads zeros for missing
# pixels. Pixels are raw, or the mean of all pixels is subtracted, or the mean of each pixel.


def network(is_sn):
    first = SNConv2d(1, 16, 3, power=0.5) if is_sn else nn.Conv2d(1, 16, 3)
    return nn.Sequential(
        first, nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
    )


def accuracy(images, is_sn, seed):
    torch.manual_seed(seed)
    net = network(is_sn)
    images = images if is_sn else images.nan_to_num(0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
    for _ in range(15):
        for rows in torch.randperm(len(train)).split(64):
            optimizer.zero_grad()
            batch = torch.as_tensor(train)[rows]
            nn.functional.cross_entropy(net(images[batch]), y[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return (net(images[test]).argmax(dim=1) == y[test]).float().mean().item()


prepared = {
    "raw": X,
    "minus the mean of all pixels": X - X[train].nanmean(),
    "minus the mean of each pixel": X - X[train].nanmean(dim=0),
}
scores = {
    is_sn: [[accuracy(images, is_sn, seed) for seed in range(4)] for images in prepared.values()]
    for is_sn in (False, True)
}

# %%
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
places = np.arange(len(prepared))
for is_sn, label in ((False, "Conv2d, zeros for missing pixels"), (True, "SNConv2d, power 1/2")):
    means = np.mean(scores[is_sn], axis=1)
    errors = np.std(scores[is_sn], axis=1, ddof=1) / 2
    ax.barh(places - 0.35 * (not is_sn) + 0.175, means, 0.35, xerr=errors, label=label)
    print(label, means.round(3))
ax.set(yticks=places, yticklabels=prepared, xlim=(0.6, None), xlabel="accuracy, mean of four seeds")
ax.invert_yaxis()
figure.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
# Centre entries where you can, and use SN where they must stay raw.
