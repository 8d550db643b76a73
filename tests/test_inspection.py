"""Figures of sparsity bias by hand, by theorem and by scipy; displays by what their axes hold."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.svm import SVC, LinearSVC
from torch import nn
from torch.nn import functional as F

from sksn import SNAutoencoder, SNClassifier, SNRegressor
from sksn.datasets import make_holes
from sksn.inspection import (
    ActivationDisplay,
    ActivationRecorder,
    SparsityBiasDisplay,
    activation_statistics,
    sparsity_bias,
)
from sksn.inspection._row_groups import count_features, row_groups
from sksn.nn import SNLinear

from .helpers import to_csr

SMALL = {"hidden_layer_sizes": (8, 5), "max_epochs": 2, "random_state": 0}


class Counts:
    """Answers with the number of observed features, and some noise."""

    def __init__(self, noise=0.0):
        self.noise = noise

    def predict(self, X):
        n = (~np.isnan(X)).sum(axis=1)
        return 3 * n + self.noise * np.random.RandomState(0).normal(size=len(n)) * n


def rows(n=400, n_features=12, seed=0):
    rng = np.random.RandomState(seed)
    X = make_holes(rng.normal(size=(n, n_features)), rate_spread=0.5, random_state=seed)
    return X, rng.randint(2, size=n)


def mean_rank(n):
    """Of each row, as a share: rows below it, and half of those beside it."""
    return np.array([(n < v).mean() + (n == v).mean() / 2 for v in n])


class TestSparsityBias:
    def test_a_model_that_only_counts(self):
        X, _ = rows()
        found = sparsity_bias(Counts(), X, n_bins=4)
        assert found.slope == pytest.approx(3)
        np.testing.assert_allclose(found.slope_interval, 3)
        assert found.rank_correlation == pytest.approx(1)
        np.testing.assert_array_equal(found.n_observed, (~np.isnan(X)).sum(axis=1))
        np.testing.assert_allclose(found.bin_mean, 3 * found.bin_n_observed)
        assert found.bin_count.sum() == len(X)
        assert "slope=3" in repr(found)

    def test_bins_by_hand(self):
        X = np.array([[1, np.nan, np.nan], [2, np.nan, np.nan], [1, 1, 1], [1, 1, 0.0]])
        found = sparsity_bias(Counts(), X, n_bins=2)
        assert found.bin_n_observed.tolist() == [1, 3]
        assert found.bin_count.tolist() == [2, 2]
        assert found.bin_std.tolist() == [0, 0]

    def test_the_interval_covers_the_slope_as_often_as_it_says(self):
        """Noise that grows with n, 400 times: 95 % within 4 standard errors of a binomial."""
        rng, hits = np.random.RandomState(0), 0
        from sksn.inspection._bias import relate

        n = np.repeat(np.arange(1, 21), 5)
        for _ in range(400):
            low, high = relate(n, 2 * n + rng.normal(size=len(n)) * n**2 / 20).slope_interval
            hits += low <= 2 <= high
        assert abs(hits / 400 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)
        plain = stats.linregress(n, 2.0 * n + rng.normal(size=len(n)))
        found = relate(n, 2.0 * n + rng.normal(size=len(n)), confidence_level=0.5)
        assert found.slope == pytest.approx(plain.slope, abs=0.1)

    def test_slope_and_rank_are_those_of_scipy(self):
        X, _ = rows()
        found = sparsity_bias(Counts(noise=2), X)
        plain = stats.linregress(found.n_observed, found.response)
        assert found.slope == pytest.approx(plain.slope)
        expected = stats.spearmanr(found.n_observed, found.response).statistic
        assert found.rank_correlation == pytest.approx(expected)
        low, high = found.slope_interval
        narrow = sparsity_bias(Counts(noise=2), X, confidence_level=0.5).slope_interval
        assert low < narrow[0] < found.slope < narrow[1] < high

    def test_answers_of_all_kinds_of_models(self):
        X, y = rows()
        model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, y)
        second = sparsity_bias(model, X).response
        np.testing.assert_allclose(second, model.predict_proba(X)[:, 1])
        first = sparsity_bias(model, X, class_of_interest=0).response
        np.testing.assert_allclose(first, model.predict_proba(X)[:, 0])
        scores = sparsity_bias(model, X, response_method="decision_function").response
        np.testing.assert_allclose(scores, model.decision_function(X))
        of_first = sparsity_bias(
            model, X, response_method="decision_function", class_of_interest=0
        ).response
        np.testing.assert_allclose(of_first, -scores)
        machine = make_pipeline(SimpleImputer(), LinearSVC()).fit(X, y)
        np.testing.assert_allclose(sparsity_bias(machine, X).response, machine.decision_function(X))
        regressor = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, y)
        np.testing.assert_allclose(sparsity_bias(regressor, X).response, regressor.predict(X))
        text = np.array(["no", "yes"])[y]
        named = HistGradientBoostingClassifier(max_iter=3).fit(X, text)
        predicted = sparsity_bias(
            named, X, response_method="predict", class_of_interest="yes"
        ).response
        np.testing.assert_array_equal(predicted, named.predict(X) == "yes")
        np.testing.assert_allclose(
            sparsity_bias(named, X, class_of_interest="no").response, named.predict_proba(X)[:, 0]
        )

    def test_of_many_classes_the_confidence(self):
        X, _ = rows()
        y = np.arange(len(X)) % 3
        model = SNClassifier(**SMALL).fit(X, y)
        expected = model.predict_proba(X)
        np.testing.assert_allclose(sparsity_bias(model, X).response, expected.max(axis=1))
        chosen = sparsity_bias(model, X, class_of_interest=2).response
        np.testing.assert_allclose(chosen, expected[:, 2])

    def test_every_container_is_counted_alike(self):
        X, _ = rows()
        X[0, :3] = 0
        expected = (~np.isnan(X)).sum(axis=1)
        for container in (X, to_csr(X), to_csr(X).tocoo(), pd.DataFrame(X), X.astype(object)):
            np.testing.assert_array_equal(count_features(container), expected)
        without_zeros = (~np.isnan(X) & (X != 0)).sum(axis=1)
        for container in (X, to_csr(X), pd.DataFrame(X)):
            np.testing.assert_array_equal(count_features(container, 0), without_zeros)

    def test_frames_with_text(self):
        frame = pd.DataFrame({"a": ["x", None, "y", "x"] * 5, "b": [1.0, 2.0, np.nan, 4.0] * 5})
        y = [0, 1, 0, 1] * 5
        encode = make_column_transformer((OrdinalEncoder(), ["a"]), remainder="passthrough")
        model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=2)).fit(frame, y)
        assert sparsity_bias(model, frame).n_observed.tolist() == [2, 1, 1, 2] * 5

    def test_several_labels_at_once(self):
        X, y = rows(60)
        labels = np.column_stack([y, 1 - y, X[:, 0] > 0]).astype(int)
        model = SNClassifier(**SMALL).fit(X, labels)
        for two in (model, SNClassifier(**SMALL).fit(X, labels[:, :2])):
            with pytest.raises(ValueError, match="several labels at once; name the one"):
                sparsity_bias(two, X)
        third = sparsity_bias(model, X, class_of_interest=2).response
        np.testing.assert_allclose(third, model.predict_proba(X)[:, 2])
        predicted = sparsity_bias(model, X, response_method="predict", class_of_interest=0)
        np.testing.assert_array_equal(predicted.response, model.predict(X)[:, 0])

    def test_classes_that_are_not_there(self):
        """A wrong label must not pass for a model without bias."""
        X, y = rows(60)
        model = SNClassifier(**SMALL).fit(X, y)
        with pytest.raises(ValueError, match=r"class_of_interest must be one of .*, got '1'"):
            sparsity_bias(model, X, response_method="predict", class_of_interest="1")
        with pytest.raises(ValueError, match="class_of_interest=1 needs a classifier, but SNRegr"):
            sparsity_bias(SNRegressor(**SMALL).fit(X, y), X, class_of_interest=1)
        four, X = np.arange(60) % 4, np.nan_to_num(X)
        pairs = SVC(decision_function_shape="ovo").fit(X, four)
        with pytest.raises(ValueError, match="gives 6 numbers a row for 4 classes"):
            sparsity_bias(pairs, X, class_of_interest=1)
        forest = RandomForestClassifier(2).fit(X, np.column_stack([four, y]))
        with pytest.raises(ValueError, match="predict_proba gives a list of 2 arrays"):
            sparsity_bias(forest, X)

    def test_nothing_varies(self):
        X, y = rows()
        constant = DummyClassifier().fit(X, y)
        found = sparsity_bias(constant, X)
        assert found.slope == pytest.approx(0, abs=1e-12)
        assert np.isnan(found.rank_correlation)
        complete = sparsity_bias(Counts(), np.ones((5, 3)))
        assert np.isnan([complete.slope, *complete.slope_interval]).all()
        assert len(complete.bin_mean) == 1

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"n_bins": 0}, "n_bins must be a positive integer, got 0"),
            ({"n_bins": True}, "n_bins must be a positive integer, got True"),
            ({"confidence_level": 1}, r"confidence_level must be a number in \(0, 1\), got 1"),
            ({"confidence_level": "a"}, r"confidence_level must be a number in \(0, 1\), got 'a'"),
            ({"response_method": "score"}, "response_method must be one of 'auto', .* got 'score'"),
            ({"response_method": "decision_function"}, "SNClassifier has no method decision_fun"),
            ({"class_of_interest": 7}, r"class_of_interest must be one of \[.*\], got 7"),
            ({"missing_values": "?"}, "missing_values must be NaN or a finite number"),
        ],
    )
    def test_bad_parameters(self, options, says):
        X, y = rows(50)
        model = SNClassifier(**SMALL).fit(X, y)
        if "decision_function" in options.values() and hasattr(model, "decision_function"):
            model, says = (
                LinearRegression().fit(np.ones((2, 12)), [0, 1]),
                "LinearRegression has no",
            )
        with pytest.raises(ValueError, match=says):
            sparsity_bias(model, X, **options)

    def test_answers_that_are_not_one_number_a_row(self):
        X, y = rows(50)
        many = SNRegressor(**SMALL).fit(X, np.column_stack([y, y]))
        with pytest.raises(ValueError, match="predict must give one number a row, got an array of"):
            sparsity_bias(many, X)
        named = SNClassifier(**SMALL).fit(X, np.array(["a", "b"])[y])
        with pytest.raises(ValueError, match="choose a response_method or a class_of_interest"):
            sparsity_bias(named, X, response_method="predict")
        with pytest.raises(ValueError, match="At least three rows are needed, got 2"):
            sparsity_bias(Counts(), X[:2])


class TestBins:
    @pytest.mark.parametrize(
        ("n_observed", "n_bins", "expected"),
        [
            ([3] * 5 + [8] * 95, 10, [{3}, {8}]),
            ([3] * 95 + [8] * 5, 10, [{3}, {8}]),
            ([1] * 50 + [2] * 50, 3, [{1}, {2}]),
            ([5] * 7, 4, [{5}]),
            (np.repeat(np.arange(9), 4), 10, [{i} for i in range(9)]),
            (np.arange(12)[::-1], 4, [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 10, 11}]),
        ],
    )
    def test_by_hand(self, n_observed, n_bins, expected):
        n_observed = np.array(n_observed)
        assert [
            set(n_observed[rows].tolist()) for rows in row_groups(n_observed, n_bins)
        ] == expected

    @given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(1, 12))
    def test_equal_numbers_together_all_rows_once_in_rising_order(self, n_observed, n_bins):
        n_observed = np.array(n_observed)
        bins = row_groups(n_observed, n_bins)
        assert 1 <= len(bins) <= n_bins
        assert sorted(np.concatenate(bins).tolist()) == list(range(len(n_observed)))
        for few, many in itertools.pairwise(bins):
            assert n_observed[few].max() < n_observed[many].min()


class TestActivationStatistics:
    @pytest.mark.parametrize("kind", ["dense", "sparse", "bins"])
    def test_of_an_estimator_by_hand(self, kind):
        X, y = rows(300)
        X = to_csr(X) if kind == "sparse" else X
        model = SNRegressor(
            activation="tanh", n_bins=8 if kind == "bins" else 0, hidden_norm="layer", **SMALL
        ).fit(X, y)
        found = activation_statistics(model, X, n_bins=3)
        assert len(found.layers) == 2
        from sksn.nn import SparseRows

        scaled = model._learner.scaling.transform(model._validate_X(X, reset=False), np.float32)
        module = model.net_.module_.eval()
        if kind == "sparse":
            rows_ = SparseRows(
                torch.tensor(scaled.data), torch.tensor(scaled.indices),
                torch.tensor(scaled.indptr[:-1]),
            )  # fmt: skip
        else:
            rows_ = torch.tensor(scaled)
        with torch.no_grad():
            first = module.hidden[0](module.input(rows_))
            second = module.hidden[1:5](first)
        n = count_features(X)
        group = (3 * mean_rank(n)).astype(int)
        for layer, z in enumerate((first.numpy(), second.numpy())):
            for b in range(3):
                inside = z[group == b]
                assert found.mean[layer, b] == pytest.approx(inside.mean(), abs=1e-5)
                assert found.variance[layer, b] == pytest.approx(inside.var(), rel=1e-4)
                flat = 1 - np.tanh(inside) ** 2 < 0.05
                assert found.saturated[layer, b] == pytest.approx(flat.mean(), abs=1e-3)
                assert found.count[b] == len(inside)
                assert found.n_observed[b] == pytest.approx(n[group == b].mean())
        assert not any(m._forward_pre_hooks or m._forward_hooks for m in module.modules())

    def test_of_pipelines_autoencoders_and_linear_models(self):
        X, y = rows(60)
        pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), SNClassifier(**SMALL))
        assert len(activation_statistics(pipeline.fit(X, y), X).layers) == 2
        completed = SNAutoencoder(8, max_epochs=2, random_state=0).fit(X)
        assert activation_statistics(completed, X).mean.shape[0] == 1
        linear = SNRegressor((), max_epochs=2, random_state=0).fit(X, y)
        found = activation_statistics(linear, X)
        assert found.layers == ["input"]
        assert np.isnan(found.saturated).all()

    def test_of_a_torch_module(self):
        X, _ = rows(3000)
        torch.manual_seed(0)
        module = nn.Sequential(SNLinear(12, 6), nn.ReLU(inplace=True), nn.Linear(6, 1)).train()
        found = activation_statistics(module, X)
        z = module[0](torch.tensor(X, dtype=torch.float32)).detach().numpy()
        mean = np.average(found.mean[0], weights=found.count)
        assert mean == pytest.approx(z.mean(), abs=1e-5)
        square = np.average(found.variance[0] + found.mean[0] ** 2, weights=found.count)
        assert square == pytest.approx((z**2).mean(), rel=1e-5)
        bins = zip(found.mean[0], found.variance[0], strict=True)
        assert any(mean**2 > 0.02 * variance for mean, variance in bins), "rel is above that"
        dead = np.average(found.saturated[0], weights=found.count)
        assert dead == pytest.approx((z <= 0).mean())
        assert module.training
        named = activation_statistics(module, torch.tensor(X), layers=["2"])
        assert named.layers == ["2"]
        assert np.isnan(named.saturated).all()

    def test_leaves_the_mode_of_every_module(self):
        X, _ = rows(50)
        module = nn.Sequential(SNLinear(12, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5))
        module.train()[1].eval()
        activation_statistics(module, X)
        assert [part.training for part in module] == [True, False, True, True]

    def test_of_a_module_that_is_run_twice_and_one_that_is_not(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.second = SNLinear(12, 4), nn.Linear(4, 1)
                self.relu, self.idle = nn.ReLU(), nn.Tanh()

            def forward(self, x):
                return self.relu(self.second(self.relu(self.first(x))))

        X, _ = rows(1500)  # two blocks
        net = Net()
        found = activation_statistics(net, X, n_bins=1)
        assert found.layers == ["relu", "relu (2)"]
        x = torch.tensor(X, dtype=torch.float32)
        z = [net.first(x), net.second(net.relu(net.first(x)))]
        assert found.mean[:, 0] == pytest.approx([part.mean().item() for part in z], abs=1e-5)
        with pytest.raises(ValueError, match="layers names 'idle', which the network ran on 0"):
            activation_statistics(net, X, layers=["relu", "idle"])
        net.forward = lambda x: x
        with pytest.raises(ValueError, match="None of 'relu', 'idle' runs once for each sample"):
            activation_statistics(net, X)

    def test_of_searches_and_half_precision(self):
        X, y = rows(60)
        search = GridSearchCV(SNClassifier(**SMALL), {"power": [0.5]}, cv=2).fit(X, y)
        expected = activation_statistics(search.best_estimator_, X)
        for model in (search, make_pipeline(make_pipeline("passthrough", search))):
            np.testing.assert_array_equal(activation_statistics(model, X).mean, expected.mean)
        module = nn.Sequential(SNLinear(12, 4), nn.ReLU()).bfloat16()
        found = activation_statistics(module, torch.tensor(X, dtype=torch.bfloat16), n_bins=2)
        assert found.count.sum() == 60

    def test_variances_are_never_negative(self):
        module = nn.Sequential(nn.Linear(3, 5), nn.ReLU())
        nn.init.zeros_(module[0].weight)
        nn.init.constant_(module[0].bias, 123.456)
        for n_rows in range(1, 60):
            assert (activation_statistics(module, np.ones((n_rows, 3))).variance >= 0).all()

    def test_of_images_and_modules_without_activation_modules(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.second = nn.Conv2d(1, 2, 3), nn.Linear(2 * 4 * 4, 1)

            def forward(self, x):
                return self.second(F.relu(self.first(x.nan_to_num(0.0))).flatten(1))

        x = torch.randn(20, 1, 6, 6)
        x[:10, :, :3] = torch.nan
        found = activation_statistics(Net(), x, n_bins=2)
        assert found.layers == ["first", "second"]
        assert found.n_observed.tolist() == [18, 36]

    def test_variance_grows_with_what_is_observed_but_not_under_sn(self):
        """Unit normal entries: 36 times the entries, 36 times the variance, or the same."""
        X, _ = rows(4000, 40)
        for power, expected in ((0.0, 36.0), (0.5, 1.0)):
            torch.manual_seed(0)
            module = nn.Sequential(SNLinear(40, 200, power=power, bias=False), nn.ReLU())
            found = activation_statistics(module, X, n_bins=10)
            few, many = found.variance[0, 1], found.variance[0, -1]
            ratio = expected if power else found.n_observed[-1] / found.n_observed[1]
            assert many / few == pytest.approx(ratio, rel=0.15)

    def test_bad_input(self):
        X, y = rows(40)
        with pytest.raises(TypeError, match=r"model must be a torch.* got LinearRegression"):
            activation_statistics(LinearRegression().fit(np.ones((2, 1)), [1, 2]), X)
        model = SNClassifier(**SMALL).fit(X, y)
        with pytest.raises(
            ValueError, match=r"layers names 'hidden.9', but the network has no such"
        ):
            activation_statistics(model, X, layers=["hidden.9"])
        with pytest.raises(TypeError, match="got SNClassifier that is not fitted"):
            activation_statistics(SNClassifier(), X)
        with pytest.raises(ValueError, match="layers must name at least one module"):
            activation_statistics(model, X, layers=[])
        with pytest.raises(
            ValueError, match="which the network ran on 0 samples where there are 40"
        ):
            activation_statistics(model, X, layers=[""])
        with pytest.raises(ValueError, match="has neither non-linearities nor linear maps"):
            activation_statistics(nn.Flatten(), X)
        with pytest.raises(TypeError, match="X must be an array or a tensor for a torch module"):
            activation_statistics(nn.Linear(12, 1), to_csr(X))


class TestActivationRecorder:
    @pytest.mark.parametrize("kind", ["dense", "normalised", "sparse", "autoencoder"])
    def test_sees_every_epoch(self, kind):
        X, y = rows(100)
        recorder = ActivationRecorder(n_bins=3)
        options = {"callbacks": [recorder], "max_epochs": 3, "random_state": 0}
        if kind == "normalised":
            options |= {"input_dropout": 0.0, "n_bins": 0, "batch_size": 30}
        if kind == "autoencoder":
            SNAutoencoder(8, **options).fit(X)
        else:
            SNClassifier((8,), **options).fit(to_csr(X) if kind == "sparse" else X, y)
        assert len(recorder.epochs_) == 3
        n = count_features(X)
        for epoch in recorder.epochs_:
            assert epoch.count.sum() == 100
            assert np.average(epoch.n_observed, weights=epoch.count) == pytest.approx(n.mean())
        assert not np.array_equal(recorder.epochs_[0].mean, recorder.epochs_[2].mean)

    def test_validation_rows_do_not_count_and_nothing_changes(self):
        X, y = rows(100)
        options = {"early_stopping": True, **SMALL}
        recorder = ActivationRecorder()
        watched = SNClassifier(callbacks=[recorder], **options).fit(X, y)
        assert recorder.epochs_[0].count.sum() == 90
        plain = SNClassifier(**options).fit(X, y)
        np.testing.assert_array_equal(watched.predict_proba(X), plain.predict_proba(X))
        assert not any(m._forward_pre_hooks for m in watched.net_.module_.modules())

    def test_survives_a_training_that_fails(self):
        X, y = rows(60)
        recorder = ActivationRecorder()
        with pytest.raises(ValueError, match="loss became"):
            SNRegressor(callbacks=[recorder], lr=1e30, random_state=0).fit(X, 1.0 * y)
        assert pickle.loads(pickle.dumps(recorder)).n_bins == 10
        SNRegressor(callbacks=[recorder], **SMALL).fit(X, y)
        assert len(recorder.epochs_) == 2


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


def test_sparse_rows_are_not_made_dense():
    X = sparse.csr_array((np.ones(3), ([0, 1, 2], [0, 10**8, 5])), shape=(3, 10**9))
    assert count_features(X).tolist() == [1, 1, 1]
