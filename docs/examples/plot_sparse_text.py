"""
Wide sparse rows: text
======================

:class:`~sksn.SNClassifier` takes sparse matrices as they are. Training time scales with the number
of stored entries, and not with rows times columns.
"""

import inspect
import pydoc
import time

import matplotlib.pyplot as plt
import numpy as np
import scipy
import sklearn
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sksn import SNClassifier

# %%
# The texts are docstrings of four libraries, which are installed here. The task is to say which
# library a docstring comes from. Names of the libraries are removed. Docstrings differ much in
# length, and the n of a text is its number of different words.

MODULES = {
    "numpy": [np, np.linalg, np.fft, np.random, np.ma, np.polynomial],
    "scipy": [scipy.linalg, scipy.optimize, scipy.signal, scipy.sparse, scipy.stats, scipy.special],
    "scikit-learn": [sklearn.metrics, sklearn.model_selection, sklearn.linear_model, sklearn.utils],
    "torch": [torch, torch.nn, torch.nn.functional, torch.optim, torch.linalg, torch.distributions],
}
texts, y = [], []
for library, modules in MODULES.items():
    found = set()
    for module in modules:
        for name in dir(module):
            value = inspect.getattr_static(module, name)
            if not name.startswith("_") and callable(value):
                found.add(pydoc.getdoc(value))
    found = sorted(text for text in found if len(text) > 100)
    texts += found
    y += [library] * len(found)
names = ["numpy", "np", "scipy", "sp", "sklearn", "scikit", "learn", "torch", "tensor", "pytorch"]
vectorizer = CountVectorizer(stop_words=names, token_pattern=r"[a-z_]{2,}", dtype=np.float64)
X = vectorizer.fit_transform(texts)
print(f"{X.shape[0]} texts, {X.shape[1]} words, {X.nnz / X.shape[0]:.0f} different words a text")

# %%
# Counts go into the network without preparation. The peers get TF-IDF.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
models = {
    "SNClassifier": SNClassifier(random_state=0),
    "LinearSVC, TF-IDF": make_pipeline(TfidfTransformer(sublinear_tf=True), LinearSVC()),
    "naive Bayes, counts": MultinomialNB(),
}
accuracy, seconds = {}, {}
for name, model in models.items():
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds[name] = time.perf_counter() - start
    accuracy[name] = model.score(X_test, y_test)
    print(f"{name}: accuracy {accuracy[name]:.3f}")

# %%
# The seconds depend on the machine and on what else it does.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained", sharey=True)
left.barh(list(accuracy), list(accuracy.values()))
left.set(xlabel="accuracy of test texts", xlim=(0.8, 1))
right.barh(list(seconds), list(seconds.values()))
right.set(xlabel="seconds of fit", xscale="log")
plt.show()
