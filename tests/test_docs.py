"""The site: every public name has a page, and pages link to what exists."""

import importlib.util
import inspect
import re
import tomllib
import zlib
from pathlib import Path

import pytest

import sksn

DOCS = Path(__file__).resolve().parents[1] / "docs"
if not DOCS.is_dir():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)
PAGES = [path for path in DOCS.rglob("*.rst") if not {"_build", "generated"} & set(path.parts)]


@pytest.mark.parametrize("name", ["", ".nn", ".inspection", ".metrics", ".datasets"])
def test_every_public_name_has_a_page(name):
    module = importlib.import_module(f"sksn{name}")
    text = (DOCS / "api.rst").read_text(encoding="utf-8")
    parts = re.split(r"^\.\. currentmodule:: (\S+)$", text, flags=re.MULTILINE)
    of_module = "".join(parts[i + 1] for i in range(1, len(parts), 2) if parts[i] == f"sksn{name}")
    listed = set(re.findall(r"^   (\w+)$", of_module, flags=re.MULTILINE))
    names = {name for name in module.__all__ if not inspect.ismodule(getattr(module, name))}
    assert listed == names


def test_names_of_other_libraries_are_in_their_inventories():
    """A reference that an inventory lacks would be shown as text without a link."""
    known = {"torch.Tensor", "skorch.NeuralNet"}
    for path in (DOCS / "inventories").glob("*.inv"):
        body = path.read_bytes().split(b"\n", 4)[4]
        known |= {line.split()[0] for line in zlib.decompress(body).decode().splitlines()}
    texts = [
        path.read_text(encoding="utf-8")
        for path in (*PAGES, *Path(sksn.__file__).parent.rglob("*.py"))
    ]
    named = re.findall(
        r":(?:class|func|mod):`[^`]*?((?:sklearn|torch|skorch)(?:\.\w+)+)>?`", " ".join(texts)
    )
    assert len(named) > 10
    assert not set(named) - known - {"torch.func"}  # has no page in the stable docs of torch


def test_there_are_examples_for_all_kinds_of_users():
    examples = sorted((DOCS / "examples").glob("plot_*.py"))
    assert len(examples) >= 12
    for path in examples:
        assert "plt.show()" in path.read_text(encoding="utf-8"), f"{path.name} has no picture"


def test_every_page_is_in_a_table_of_contents():
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    for path in PAGES:
        if "tables" in path.parts or "auto_examples" in path.parts or path.stem == "index":
            continue
        if "_templates" in path.parts or path.stem.startswith(("sg_", "GALLERY")):
            continue
        assert re.search(rf"^   ([\w/]+/)?{path.stem}$", text, flags=re.MULTILINE), path.name


@pytest.mark.parametrize("name", [n for n in sksn.__all__ if n.startswith(("SN", "Sp", "Ob"))])
def test_the_html_of_an_estimator_links_to_its_page(name):
    """The address begins as that of pyproject.toml, and ends with the name of a page."""
    urls = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "urls"
    ]
    html = getattr(sksn, name)()._repr_html_()
    assert f'href="{urls["Documentation"]}/en/latest/generated/sksn.{name}.html"' in html


def test_links_that_lead_nowhere_are_found(tmp_path):
    spec = importlib.util.spec_from_file_location("look", DOCS / "look.py")
    look = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(look)
    links = "other.html other.html#there #here https://elsewhere.org mailto:a@b.c gone.html #gone"
    page = "".join(f'<a href="{link}"></a>' for link in links.split())
    (tmp_path / "page.html").write_text(f'<h1 id="here"></h1>{page}<img src="gone.png">')
    (tmp_path / "other.html").write_text('<h1 id="there"></h1>')
    pages = sorted(tmp_path.glob("*.html"))
    assert list(look.broken_links(tmp_path.resolve(), pages)) == [
        "page.html: gone.html leads nowhere",
        "page.html: #gone has no such anchor",
        "page.html: gone.png leads nowhere",
    ]
