"""The newcomer's script works here too; the release check runs it from the wheel."""

import pytest

from tests import newcomer


@pytest.mark.slow
def test_a_newcomer_succeeds(capsys):
    newcomer.main()
    assert "the demo runs" in capsys.readouterr().out
