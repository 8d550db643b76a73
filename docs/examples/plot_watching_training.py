"""
Watching training
=================

The estimators hold a skorch net, so skorch's callbacks work, and the losses of each epoch are
kept. :class:`~sksn.inspection.ActivationRecorder` also records how pre-activations depend on the
number of observed features.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch.callbacks import EpochScoring

from sksn import SNClassifier
from sksn.datasets import make_holes
from sksn.inspection import ActivationDisplay

X, y = load_digits(return_X_y=True)
X = make_holes(X, rate=0.49, rate_spread=0.49, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# With early stopping, a tenth of the training rows is held out. A callback computes their accuracy
# after each epoch.

model = SNClassifier(
    early_stopping=True,
    max_epochs=60,
    callbacks=[EpochScoring("accuracy", lower_is_better=False, name="valid_accuracy")],
    random_state=0,
).fit(X_train, y_train)
history = model.net_.history
print(f"epochs: {len(history)}, test accuracy {model.score(X_test, y_test):.3f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(history[:, "train_loss"], label="training rows")
left.plot(history[:, "valid_loss"], label="held-out rows")
left.set(xlabel="epoch", ylabel="loss")
left.legend()
right.plot(history[:, "valid_accuracy"], color="C2")
right.set(xlabel="epoch", ylabel="accuracy of held-out rows")
plt.show()

# %%
# The activations of the trained network, by the number of observed pixels.

ActivationDisplay.from_estimator(model, X_test)
plt.show()
