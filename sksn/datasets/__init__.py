"""Data sets by name, files of ratings, and missing values for data that has none."""

from ._holes import make_holes
from ._movielens import fetch_movielens
from ._ratings import Ratings, load_ratings

__all__ = ["Ratings", "fetch_movielens", "load_ratings", "make_holes"]
