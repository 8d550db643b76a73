"""The studies behind every number of the README and the docs.

``python -m benchmarks list`` names them, ``run`` measures one, and ``report`` writes its tables and
figures.
"""
