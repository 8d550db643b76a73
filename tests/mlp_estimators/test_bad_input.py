"""What SNClassifier and SNRegressor refuse."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from sksn import SNClassifier, SNRegressor
from tests.helpers import to_csr

from .common import ESTIMATORS, SMALL


class TestBadInput:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("hidden_layer_sizes", (0,), "'auto' or a positive integer or a sequence of them"),
            ("hidden_layer_sizes", "big", "'auto' or a positive integer or a sequence of them"),
            ("activation", "sigmoidal", "one of 'identity', 'logistic'"),
            ("power", -1, "a number in"),
            ("target", "max", "'mean', 'median' or a positive number"),
            ("missing_values", "?", "NaN or a finite number"),
            ("input_dropout", 1, r"a number in \[0, 1\)"),
            ("dropout", -0.1, r"a number in \[0, 1\)"),
            ("hidden_norm", "group", "one of None, 'batch', 'layer', 'sparsity', 'observed'"),
            ("input_scaling", "minmax", "one of 'auto', 'observed', None"),
            ("add_indicator", "yes", "one of 'auto', True, False"),
            ("n_bins", -1, "'auto' or an integer that is not negative"),
            ("n_bins", 2.0, "'auto' or an integer that is not negative"),
            ("lr", 0, "a positive number"),
            ("alpha", -1e-9, r"a number in \[0, inf\)"),
            ("batch_size", 0, "'auto' or a positive integer"),
            ("batch_size", 2.5, "'auto' or a positive integer"),
            ("max_epochs", 0, "'auto' or a positive integer"),
            ("max_epochs", "many", "'auto' or a positive integer"),
            ("early_stopping", "yes", "True or False"),
            ("validation_fraction", 1.0, r"a number in \(0, 1\)"),
            ("n_iter_no_change", 0, "a positive integer"),
            ("warm_start", 1, "True or False"),
            ("dtype", "float16", "one of 'float32', 'float64'"),
            ("callbacks", 3, "a list of skorch callbacks or None"),
            ("verbose", "loud", "True or False"),
        ],
    )
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_parameters(self, cancer, estimator, name, value, expected):
        with pytest.raises(ValueError, match=f"{name} must be {expected}.*, got "):
            estimator(**{name: value}).fit(*cancer)

    @pytest.mark.parametrize("device", ["cuda:99", "abacus", "meta:x", 3.5])
    def test_a_device_that_does_not_exist(self, cancer, device):
        with pytest.raises(
            ValueError, match=r"device=.*cannot be used here .*expected 'auto' or a"
        ):
            SNClassifier(device=device).fit(*cancer)

    def test_one_class(self, cancer):
        X, y = cancer
        with pytest.raises(ValueError, match=r"y has 1 class \(0.0\).*needs at least 2 classes"):
            SNClassifier().fit(X, np.zeros(len(y)))

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_y_that_is_not_finite(self, cancer, estimator, bad):
        X, y = cancer
        y = y.astype(float)
        y[3] = bad
        with pytest.raises(ValueError, match=r"Input y contains (NaN|infinity)"):
            estimator().fit(X, y)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_lengths(self, cancer, estimator):
        X, y = cancer
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[569, 568\]"):
            estimator().fit(X, y[1:])
        with pytest.raises(ValueError, match=r"sample_weight has 5 entries .* X has 569 rows"):
            estimator().fit(X, y, sample_weight=np.ones(5))
        with pytest.raises(
            ValueError, match=r"sample_weight must not be negative, got -1.0 at row 0"
        ):
            estimator().fit(X, y, sample_weight=-np.ones(len(y)))
        with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
            estimator().fit(X, None)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_features(self, cancer, estimator):
        X, y = cancer
        model = estimator(**SMALL).fit(X, y)
        with pytest.raises(ValueError, match=r"X has 29 features, but .* is expecting 30"):
            model.predict(X[:, 1:])
        with pytest.raises(ValueError, match="Input X contains infinity"):
            model.predict(np.full((1, 30), np.inf))
        colours = pd.DataFrame({"colour": ["red", "blue"]})
        with pytest.raises(ValueError, match="not numeric, 'colour', and is not among"):
            estimator(categorical_features=None).fit(colours, [0, 1])
        with pytest.raises(ValueError, match="BSR matrix that stores zeros"):
            estimator().fit(sparse.bsr_array(np.eye(4), blocksize=(2, 2)), [0, 1, 0, 1])

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_entries_beyond_the_range_of_float32(self, container):
        X = container(np.array([[1e300, 1.0], [1.0, 2.0]]))
        with pytest.raises(ValueError, match=r"X holds 1e\+300.*beyond the range of float32"):
            SNClassifier(input_scaling=None).fit(X, [0, 1])

    def test_regression_targets_and_several_columns_of_labels(self, cancer):
        X, y = cancer
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            SNClassifier().fit(X, y + 0.5 * np.arange(len(y)))
        with pytest.raises(ValueError, match=r"Multilabel y must hold 0 and 1 only, got .*-1"):
            SNClassifier().fit(X, np.column_stack([2 * y - 1, 1 - 2 * y]))
        with pytest.raises(ValueError, match="y has several columns that are not all 0 and 1"):
            SNClassifier().fit(X, np.column_stack([y, y + 1]))

    def test_extreme_entries_saturate_and_are_not_lost(self):
        X = np.array([[1.0], [2.0], [3.0]] * 10, dtype=np.float32)
        y = (X[:, 0] > 1.5).astype(int)
        model = SNClassifier(**SMALL | {"max_epochs": 40, "n_bins": 0}).fit(X, y)
        huge = model.predict_proba(np.array([[1e3], [1e200]]))[:, 1]
        assert_allclose(huge[1], huge[0], atol=0.01)
        large = np.array([[1e3], [1e25], [3e38]], dtype=np.float32)
        assert_allclose(
            model.predict_proba(large)[:, 1], model.predict_proba(large)[0, 1], atol=0.01
        )
        assert model.predict_proba(large)[0, 1] > 0.9
        observed = SNClassifier(input_scaling="observed", **SMALL).fit(1e-3 * X, y)
        with pytest.raises(ValueError, match="beyond the range of float32"):
            observed.predict(large)

    def test_partial_fit_knows_what_came_before(self, cancer):
        X, y = cancer
        model = SNClassifier(**SMALL).partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"y has classes array\(\[2\]\) that are not among"):
            model.partial_fit(X, y + 1)
        with pytest.raises(ValueError, match=r"classes=\[1, 2\] are not those of the first call"):
            model.partial_fit(X, y, classes=[1, 2])
        model.partial_fit(X, y, classes=[1, 0])
        with pytest.raises(ValueError, match="y has several labels for each row, and had one"):
            model.partial_fit(X, np.column_stack([y, 1 - y]))
        with pytest.raises(
            ValueError, match="X is a sparse matrix, but training began with dense rows"
        ):
            model.partial_fit(to_csr(X), y)
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            SNClassifier().partial_fit(X, y)
        regressor = SNRegressor(**SMALL).partial_fit(X, y)
        with pytest.raises(ValueError, match="y has 2 targets, expected 1"):
            regressor.partial_fit(X, np.column_stack([y, y]))

    def test_class_weight(self, cancer):
        with pytest.raises(
            ValueError, match=r"class_weight=\{0: -1, 1: 1\} must give no class a neg"
        ):
            SNClassifier(class_weight={0: -1, 1: 1}).fit(*cancer)
        with pytest.raises(ValueError, match="The 'class_weight' parameter"):
            SNClassifier(class_weight="heavy").fit(*cancer)

    def test_wide_dense_rows_are_trained_on_for_fewer_epochs(self):
        def n_epochs(X, **options):
            model = SNClassifier(hidden_layer_sizes=2, **options).fit(X, [0, 1] * 4)
            return len(model.loss_curve_)

        rows = np.random.RandomState(0).uniform(1, 2, (8, 513))
        assert n_epochs(rows[:, :512]) == n_epochs(sparse.csr_array(rows)) == 40
        assert n_epochs(rows) == 20
        assert n_epochs(rows, max_epochs=3) == 3

    def test_validation_rows_need_rows_beside_them(self):
        with pytest.raises(ValueError, match="takes all: n_samples=2"):
            SNClassifier(early_stopping=True, validation_fraction=0.9).fit([[1.0], [2.0]], [0, 1])
