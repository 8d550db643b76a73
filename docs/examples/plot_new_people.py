"""
New people without training
===========================

A recommender in use meets people who were not in training, and people who go on rating.
:meth:`~sksn.SNRecommender.fold_in` returns a recommender that knows their interactions. It trains
nothing, takes milliseconds, and leaves the first recommender as it was.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from sksn import SNRecommender
from sksn.metrics import ndcg_at_k

# %%
# We draw 1200 people who pick from 150 items of six kinds, each by their own taste.

rng = np.random.default_rng(0)
kind = rng.integers(6, size=150)
taste = rng.normal(size=(1200, 6))
chance = rng.gamma(1, size=150) * np.exp(1.5 * taste[:, kind])
picked = rng.uniform(size=chance.shape) < 0.15 * chance / chance.mean()

# %%
# The recommender learns from the first thousand. The other two hundred arrive later. A third of
# what they pick is held out.

X = np.argwhere(picked[:1000])
later = np.argwhere(picked[1000:]) + np.array([1000, 0])
is_held_out = rng.uniform(size=len(later)) < 1 / 3
shown, held_out = later[~is_held_out], later[is_held_out]

start = time.perf_counter()
model = SNRecommender(objective="ranking", random_state=0).fit(X)
print(f"fit: {time.perf_counter() - start:.2f} s")

start = time.perf_counter()
with_them = model.fold_in(shown)
print(f"fold_in of 200 people: {1000 * (time.perf_counter() - start):.0f} ms")

# %%
# Lists get better with each interaction that is known. We fold in the first few of each person.

people = np.unique(held_out[:, 0])
shown = shown[rng.permutation(len(shown))]
order = np.argsort(shown[:, 0], kind="stable")
starts = np.searchsorted(shown[order, 0], shown[order, 0])
place = np.empty(len(shown), dtype=int)
place[order] = np.arange(len(shown)) - starts

n_known = [0, 1, 2, 3, 5, 8, 12, 20]
scores = []
for n in n_known:
    first = shown[place < n]
    known = model.fold_in(first) if n else model
    lists, _ = known.recommend(people, n=10)
    scores.append(ndcg_at_k(held_out, people, lists, k=10))

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(n_known, scores, "o-")
ax.annotate("most popular items", (0, scores[0]), xytext=(12, -4), textcoords="offset points")
ax.set(xlabel="known interactions of a new person", ylabel="NDCG@10 of held-out interactions")
plt.show()
