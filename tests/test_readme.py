"""The README: short, up to date, and readable on a package index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_WORDS = 600


def words(text: str) -> list[str]:
    """The words that a reader sees, code and tables included."""
    text = re.sub(r"<!--.*?-->", "", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"[|`#*]|---:?", " ", text).split()


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_it_is_short():
    assert len(words(README)) <= MOST_WORDS


def test_links_and_pictures_show_on_a_package_index():
    """Each address is absolute, and those of the project are the ones of pyproject.toml."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    raw = urls["Source"].replace("https://github.com", "https://raw.githubusercontent.com")
    bases = (urls["Source"], urls["Documentation"], f"{raw}/main/", "https://arxiv.org/")
    assert links(README)
    for link in links(README):
        assert link.startswith(bases), link


def test_files_of_the_repository_that_it_names_exist():
    named = re.findall(r"/sksn/(?:blob/)?main/([\w./-]+)\)", README)
    assert "docs/sn.png" in named
    for name in named:
        assert (ROOT / name).is_file(), name


def test_its_table_is_that_of_the_kept_results():
    from benchmarks.common.measuring import insert
    from benchmarks.readme import results_table

    assert insert(README, "results", results_table()) == README, "run `make readme`"


def test_its_table_shows_lost_rows():
    rows = re.findall(r"^\|[^|]*\|[^|]*\| ([*\d.]+) \| .*\d\.\d.*\|$", README, flags=re.MULTILINE)
    assert len(rows) == 8
    assert any("*" not in ours for ours in rows)
