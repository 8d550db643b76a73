"""Statistics of pre-activations, of networks at rest and in training."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from sksn import SNAutoencoder, SNClassifier, SNRegressor
from sksn.inspection import (
    ActivationRecorder,
    activation_statistics,
)
from sksn.inspection._row_groups import count_features
from sksn.nn import SNLinear
from tests.helpers import to_csr

from .common import SMALL, mean_rank, rows


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

    @pytest.mark.parametrize("kind", [np.asarray, to_csr])
    @pytest.mark.parametrize("layers", [None, ["input"]])
    def test_of_rows_that_are_predicted_in_several_blocks(self, monkeypatch, kind, layers):
        X, y = rows(300)
        X = kind(X)
        for model in (SNRegressor(**SMALL).fit(X, y), SNAutoencoder(**SMALL).fit(X)):
            expected = activation_statistics(model, X, layers=layers)
            monkeypatch.setattr("sksn._training._prediction._ENTRIES", 64 * 50)
            found = activation_statistics(model, X, layers=layers)
            monkeypatch.undo()
            assert found.layers == expected.layers
            np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-5)

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
    @pytest.mark.parametrize("kind", ["dense", "normalized", "sparse", "autoencoder", "refining"])
    def test_sees_every_epoch(self, kind):
        X, y = rows(100)
        recorder = ActivationRecorder(n_bins=3)
        options = {"callbacks": [recorder], "max_epochs": 3, "random_state": 0}
        if kind == "normalized":
            options |= {"input_dropout": 0.0, "n_bins": 0, "batch_size": 30}
        share = 1.0
        if kind == "autoencoder":
            SNAutoencoder(8, initial_strategy="mean", **options).fit(X)
        elif kind == "refining":  # of which the network is shown a part
            SNAutoencoder(8, **options).fit(X)
            share = 0.7
        else:
            SNClassifier((8,), **options).fit(to_csr(X) if kind == "sparse" else X, y)
        assert len(recorder.epochs_) == 3
        n = count_features(X)
        for epoch in recorder.epochs_:
            assert epoch.count.sum() == 100
            assert np.average(epoch.n_observed, weights=epoch.count) == pytest.approx(
                n.mean() * share, rel=0.01
            )
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
