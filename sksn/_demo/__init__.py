"""The parts of ``python -m sksn``."""
