"""Sphinx configuration."""

import os
import sys
import warnings
from pathlib import Path

from docutils import nodes

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks are faster with one thread
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import sksn  # noqa: E402

project = "sksn"
author = "The sksn developers"
copyright = "2026, the sksn developers"
version = release = sksn.__version__
SOURCE = "https://github.com/sksn-dev/sksn"

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "offline_math",
]
exclude_patterns = ["_build", "tables", "examples", "inventories"]
templates_path = ["_templates"]
default_role = "literal"

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings say the types
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
html_math_renderer = "mathml"

# The inventories are kept here, so that the docs build offline; inventories/make.py writes them.
intersphinx_mapping = {
    "sklearn": ("https://scikit-learn.org/stable/", "inventories/sklearn.inv"),
    "torch": ("https://docs.pytorch.org/docs/stable/", "inventories/torch.inv"),
    "skorch": ("https://skorch.readthedocs.io/en/stable/", "inventories/skorch.inv"),
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "within_subsection_order": "gallery_order.GalleryOrder",
    "doc_module": ("sksn",),
    "reference_url": {"sksn": None},
    "backreferences_dir": "generated/backreferences",
    "reset_modules": ("matplotlib",),
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}
warnings.filterwarnings("ignore", category=UserWarning, message=".*Matplotlib is currently using")

html_theme = "pydata_sphinx_theme"
html_title = "sksn"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["sksn.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "sksn"},
    "icon_links": [{"name": "Source", "url": SOURCE, "icon": "fa-brands fa-github"}],
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "guide": [], "install": [], "all": [], "faq": [], "glossary": []}


def skip_metadata_requests(app, what, name, obj, skip, options):
    """Leave out ``set_fit_request`` and its like, which refer to scikit-learn's own pages."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def leave_metrics_alone(app, doctree):
    """Turn back what docutils took for the address of a mailbox: NDCG@10."""
    for link in list(doctree.findall(nodes.reference)):
        if link.get("refuri", "").startswith("mailto:"):
            link.replace_self(nodes.Text(link.astext()))


def setup(app):
    """Register what this file adds to Sphinx."""
    app.connect("doctree-read", leave_metrics_alone)
    app.connect("autodoc-skip-member", skip_metadata_requests)
