"""
From ratings to lists, with metrics and explanations
====================================================

:class:`~sksn.SNRecommender` learns from ratings both to predict ratings and to rank items.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from sksn import SNRecommender
from sksn.metrics import make_ranking_scorer, ndcg_at_k, recall_at_k

# %%
# We draw 600 people and 200 films from a seed. Films belong to five genres. People rate more
# films of the genres that they like, and rate them higher. Popular films are rated more often.

rng = np.random.default_rng(0)
genres = np.array(["crime", "space", "comedy", "war", "love"])
genre = rng.integers(5, size=200)
films = np.array([f"{genres[g]} {i}" for i, g in enumerate(genre)])
taste = rng.normal(size=(600, 5))
quality, popularity = rng.normal(0, 0.4, 200), rng.gamma(1, size=200)
chance = popularity * np.exp(taste[:, genre])
user, film = np.nonzero(rng.uniform(size=chance.shape) < 0.12 * chance / chance.mean())
stars = 3.2 + 0.8 * taste[user, genre[film]] + quality[film] + rng.normal(0, 0.6, len(user))
X = np.column_stack([[f"person {u}" for u in user], films[film]])
y = np.clip(stars.round(), 1, 5)
print(f"{len(y)} ratings of {len(np.unique(user))} people and {len(np.unique(film))} films")

# %%
# A fifth of the ratings is for testing.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
model = SNRecommender(random_state=0).fit(X_train, y_train)
error = np.sqrt(np.mean((model.predict(X_test) - y_test) ** 2))
print(f"RMSE {error:.3f}; of the mean rating {np.std(y_test):.3f}")

# %%
# A list leaves out the films that a person has rated. `explain` says which of a person's films
# brought an item into the list.

lists = model.recommend(["person 0"], n=5, as_frame=True)
print(lists)
because, added = model.explain("person 0", lists["item"].iloc[0])
print(pd.DataFrame({"because of": because, "adds": added}).head())

# %%
# Metrics compare the lists of all people with the films of their test ratings. The most popular
# films are the baseline: strangers get them.

people = np.unique(X_test[:, 0])
lists, _ = model.recommend(people, n=20)
popular, _ = SNRecommender(objective="ranking").fit(X_train).recommend(["stranger"], n=20)
everyone = np.repeat(popular, len(people), axis=0)
scores = {
    "NDCG@10": [ndcg_at_k(X_test, people, of, k=10) for of in (lists, everyone)],
    "recall@20": [recall_at_k(X_test, people, of, k=20) for of in (lists, everyone)],
}
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
pd.DataFrame(scores, index=["SNRecommender", "most popular"]).T.plot.barh(ax=ax)
ax.set(title="Lists for people of the test ratings")
plt.show()

# %%
# A scorer does the same inside a grid search.

print(f"NDCG@10 by the scorer: {make_ranking_scorer('ndcg', k=10)(model, X_test, y_test):.3f}")
