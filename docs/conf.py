"""Sphinx configuration."""

import sksn

project = "sksn"
author = "The sksn developers"
copyright = "2026, the sksn developers"
version = release = sksn.__version__

extensions = ["numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
autosummary_generate = True
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
autodoc_default_options = {"members": True, "inherited-members": False}
exclude_patterns = ["_build", "tables"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Neural networks for data with missing values",
    "page_width": "1000px",
}


def skip_metadata_requests(app, what, name, obj, skip, options):
    """Leave out ``set_fit_request`` and its like, which refer to scikit-learn's own pages."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def setup(app):
    """Register what this file adds to Sphinx."""
    app.connect("autodoc-skip-member", skip_metadata_requests)
