"""The displays of the inspection module."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    IsolationForest,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline

from sksn import SNClassifier
from sksn.inspection import (
    ActivationDisplay,
    SparsityBiasDisplay,
)
from tests.helpers import to_csr

from .common import SMALL, Counts, mean_rank, rows


@pytest.fixture
def axes():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    yield plt
    plt.close("all")


class TestDisplays:
    def test_responses_of_two_models_on_one_axes(self, axes):
        X, _ = rows()
        first = SparsityBiasDisplay.from_estimator(Counts(), X, n_bins=4)
        second = SparsityBiasDisplay.from_estimator(
            Counts(noise=1), X, n_bins=4, ax=first.ax_, name="other", color="red"
        )
        assert second.ax_ is first.ax_
        x, y = first.line_.get_data()
        np.testing.assert_allclose(y, 3 * x)
        np.testing.assert_allclose(second.line_.get_ydata(), second.bias.bin_mean)
        assert second.line_.get_color() == "red"
        band = second.band_.get_paths()[0].vertices[:, 1]
        assert band.max() == pytest.approx((second.bias.bin_mean + second.bias.bin_std).max())
        labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
        assert labels == ["Counts", "other"]
        assert first.ax_.get_xlabel() == "observed features"

    def test_scores(self, axes):
        X, y = rows()
        model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, y)
        display = SparsityBiasDisplay.from_estimator(
            model, X, y, kind="score", scoring="accuracy", n_bins=2
        )
        n = display.bias.n_observed
        few = mean_rank(n) < 0.5
        expected = [model.score(X[few], y[few]), model.score(X[~few], y[~few])]
        np.testing.assert_allclose(display.line_.get_ydata(), expected)
        assert display.band_ is None
        assert display.ax_.get_ylabel() == "accuracy"
        display.plot()
        assert display.ax_.get_ylabel() == "response"
        frames = SparsityBiasDisplay.from_estimator(
            model.fit(pd.DataFrame(X), y), pd.DataFrame(X), pd.Series(y), kind="score", n_bins=2
        )
        np.testing.assert_allclose(frames.score, expected)

    @pytest.mark.parametrize("kind", ["coo", "bsr"])
    def test_scores_of_sparse_formats_that_cannot_be_indexed(self, axes, kind):
        X, y = rows(200)
        X = to_csr(X)
        model = SNClassifier(**SMALL).fit(X, y)
        options = {"kind": "score", "n_bins": 3}
        expected = SparsityBiasDisplay.from_estimator(model, X, y, **options).score
        X = X.tobsr((1, 1)) if kind == "bsr" else X.tocoo()
        found = SparsityBiasDisplay.from_estimator(model, X, y, **options).score
        np.testing.assert_array_equal(found, expected)

    def test_a_model_without_a_score_of_its_own(self, axes):
        X, y = rows(60)
        forest = IsolationForest(n_estimators=5, random_state=0).fit(np.nan_to_num(X))
        display = SparsityBiasDisplay.from_estimator(forest, np.nan_to_num(X), y)
        assert display.score is None
        model = SNClassifier(**SMALL).fit(X, y)
        assert SparsityBiasDisplay.from_estimator(model, X, y).score is None
        assert SparsityBiasDisplay.from_estimator(model, X, y, scoring="accuracy").score.max() <= 1
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            SparsityBiasDisplay.from_estimator(model, X, [*y, 1], kind="score")
        with pytest.raises(ValueError, match=r"scoring must be the name .* got \['r2'\]"):
            SparsityBiasDisplay.from_estimator(model, X, y, scoring=["r2"])

    def test_predictions(self, axes):
        n, response, y = [1, 1, 2, 2], [0.0, 1.0, 3.0, 5.0], [0.0, 0.0, 3.0, 3.0]
        display = SparsityBiasDisplay.from_predictions(
            n, response, y, metric=mean_absolute_error, kind="score", n_bins=2
        )
        assert display.line_.get_data()[0].tolist() == [1, 2]
        assert display.line_.get_ydata().tolist() == [0.5, 1]
        assert display.ax_.get_ylabel() == "mean_absolute_error"
        with pytest.raises(ValueError, match="y has 3 entries, but there are 4 rows"):
            SparsityBiasDisplay.from_predictions(n, response, y[:3], metric=mean_absolute_error)
        with pytest.raises(ValueError, match="must be one number a row, got shapes"):
            SparsityBiasDisplay.from_predictions(n, response[:3])
        with pytest.raises(ValueError, match="response must hold numbers, got type <U1"):
            SparsityBiasDisplay.from_predictions(n, list("abab"))
        with pytest.raises(ValueError, match="n_observed holds NaN or infinity"):
            SparsityBiasDisplay.from_predictions([1, np.nan, 2, 2], response)
        with pytest.raises(ValueError, match="metric must be a callable or None, got 'r2'"):
            SparsityBiasDisplay.from_predictions(n, response, y, metric="r2")

    def test_activations(self, axes):
        X, y = rows(100)
        model = SNClassifier(**SMALL).fit(X, y)
        display = ActivationDisplay.from_estimator(model, X, n_bins=3, name="net")
        again = ActivationDisplay(display.statistics).plot(display.axes_)
        assert again.figure_ is display.figure_
        for lines, what in zip(display.lines_, ("mean", "variance", "saturated"), strict=True):
            values = getattr(display.statistics, what)
            assert len(lines) == 2
            for line, expected in zip(lines, values, strict=True):
                np.testing.assert_array_equal(line.get_ydata(), expected)
                np.testing.assert_array_equal(line.get_xdata(), display.statistics.n_observed)
        assert display.lines_[0][0].get_label() == "net, hidden.0"
        with pytest.raises(ValueError, match="axes must be three, got 1"):
            display.plot(display.axes_[0])

    def test_kinds(self, axes):
        X, y = rows(50)
        with pytest.raises(ValueError, match="kind must be 'response' or 'score', got 'both'"):
            SparsityBiasDisplay.from_estimator(Counts(), X, kind="both")
        with pytest.raises(ValueError, match="kind='score' needs y"):
            SparsityBiasDisplay.from_estimator(Counts(), X, kind="score")
        with pytest.raises(ValueError, match="kind='score' needs y and metric"):
            SparsityBiasDisplay.from_predictions([1, 2, 3], [1, 2, 3], y[:3], kind="score")
        with pytest.raises(ValueError, match="kind='score' needs a score"):
            SparsityBiasDisplay.from_estimator(Counts(), X).plot(kind="score")

    def test_without_matplotlib_the_figures_still_come(self):
        code = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import numpy as np
from sksn.inspection import SparsityBiasDisplay, sparsity_bias
class Model:
    def predict(self, X):
        return X[:, 0]
X = np.arange(12.0).reshape(4, 3)
print(sparsity_bias(Model(), X))
try:
    SparsityBiasDisplay.from_estimator(Model(), X)
except ImportError as error:
    print(error)
"""
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "SparsityBias(slope=nan" in result.stdout
        assert "pip install 'sksn[plot]'" in result.stdout
