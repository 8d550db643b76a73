"""What the studies share: statistics, data to measure on, and parts of the README."""

import numpy as np
import pytest
from scipy import sparse

from benchmarks.common import measuring, statistics


class TestStatistics:
    def test_cliques_are_the_largest_groups_within_the_gap(self):
        assert statistics.cliques([4.0, 1.0, 2.0, 2.5, 6.0], 1.5) == [(1.0, 2.5), (2.5, 4.0)]
        assert statistics.cliques([1.0, 3.0], 1.5) == []

    def test_the_corrected_test_by_hand(self):
        """Mean 2, variance 1, k = 3: t = 2 / sqrt(1/3 + 1/4), with 2 degrees of freedom."""
        mean, p = statistics.corrected_test(np.array([1.0, 2.0, 3.0]), n_train=40, n_test=10)
        t = 2 / np.sqrt(7 / 12)
        assert mean == 2
        assert p == pytest.approx(1 - t / np.sqrt(2 + t**2))  # Student's with 2 degrees of freedom
        assert statistics.corrected_test(np.zeros(3), 40, 10) == (0, 1)
        assert statistics.corrected_test(np.ones(3), 40, 10) == (1, 0)

    def test_ranks(self):
        scores = np.array([[0.9, 0.5], [0.8, 0.5], [0.7, 0.9]])
        assert statistics.average_ranks(scores).tolist() == [1.75, 2.25, 2]

    def test_holm_by_hand(self):
        """3 x 0.01, 2 x 0.02 and 0.5, but none below a smaller one; none above 1."""
        assert statistics.holm([0.5, 0.01, 0.02]).tolist() == pytest.approx([0.5, 0.03, 0.04])
        assert statistics.holm([0.02, 0.021]).tolist() == pytest.approx([0.04, 0.04])
        assert statistics.holm([0.9, 0.8]).tolist() == [1, 1]

    @pytest.mark.parametrize(("k", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
    def test_critical_differences_are_those_of_demsar(self, k, q):
        """His table 5 (a), to three digits."""
        expected = q * np.sqrt(k * (k + 1) / (6 * 14))
        assert statistics.critical_difference(k, 14) == pytest.approx(expected, abs=1e-3)


def test_the_data_to_measure_on():
    for X in (measuring.zipf_rows(200, 1000, 30), measuring.even_rows(200, 900, 30)):
        whole = sparse.csr_array((X.data, X.indices, X.indptr), shape=X.shape)
        assert whole.has_canonical_format
        whole.check_format(full_check=True)
    assert (np.diff(X.indptr) == 30).all()
    counts = np.sort(np.bincount(measuring.zipf_rows(20_000, 1000, 5).indices))[::-1]
    # rank 10 is ten times as rare as rank 1, but for rows that drew that column twice
    assert counts[9] / counts[0] == pytest.approx(1 / 10, rel=0.5)


def test_parts_of_a_readme_are_replaced():
    text = "a\n<!-- name: by a command -->\nold\n<!-- /name -->\nb\n"
    written = measuring.insert(text, "name", "| new |\n")
    assert written == "a\n<!-- name: by a command -->\n| new |\n<!-- /name -->\nb\n"
    assert measuring.insert(written, "name", "| new |\n") == written
    with pytest.raises(SystemExit, match=r"README\.md has 0 parts named nothing"):
        measuring.insert(text, "nothing", "")
