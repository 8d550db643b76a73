"""Real data by name, and files of ratings."""

from ._movielens import fetch_movielens
from ._ratings import Ratings, load_ratings

__all__ = ["Ratings", "fetch_movielens", "load_ratings"]
