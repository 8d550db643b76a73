"""The study of imputers: what is hidden, how it is scored, and its table."""

import numpy as np
import pytest

from benchmarks.evidence import imputers

from .test_frames import smoke


@pytest.mark.slow
def test_it_runs():
    output = smoke("imputers")
    assert output.startswith("| table | SNAutoencoder | KNNImputer | mean |")
    assert "| average rank, all (1) | 1.00 |" in output


def test_columns_are_standardized_and_a_fifth_is_hidden():
    X = imputers.numbers_of("digits")
    assert X.shape == (1797, 61)  # without constant pixels
    np.testing.assert_allclose([X.mean(axis=0), X.std(axis=0) - 1], 0, atol=1e-12)
    X[:, 0] = np.nan
    hidden = imputers.hide(X, 0)
    assert not hidden[:, 0].any()
    assert hidden[:, 1:].mean() == pytest.approx(0.2, abs=0.005)
    assert (hidden != imputers.hide(X, 1)).any()


def test_the_error_is_that_of_columns():
    X, completed = np.zeros((4, 3)), np.ones((4, 3)) * [1, 3, 100]
    hidden = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    assert imputers.error(X, completed, hidden) == 2.0  # (1 + 3) / 2, whatever was not hidden


def test_the_table():
    rows = [
        {"data": data, "method": method, "errors": errors}
        for data, method, errors in (
            ("iris", "SNAutoencoder", [0.5, 0.7]),
            ("iris", "mean", [1.0, 1.0]),
            ("wages", "SNAutoencoder", [2.0, 2.0]),
            ("wages", "mean", [1.5, 1.5]),
            ("wine", "mean", [1.0, 1.0]),
        )
    ]
    lines = imputers.table(rows).splitlines()
    assert "| iris | **0.600** | 1.000 |" in lines
    assert "| wine |  | **1.000** |" in lines
    assert "| wages \\* | 2.000 | **1.500** |" in lines
    assert "| average rank, all (3) |  | 1.00 |" in lines  # of methods that ran on all
    assert "| average rank, with a star (1) | 2.00 | 1.00 |" in lines
    assert "| average rank, all methods (2) | 1.50 | 1.50 |" in lines
