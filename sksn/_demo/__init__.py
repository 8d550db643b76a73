"""The pieces of ``python -m sksn``."""
