"""The recommender: ids, interactions, the rating model, lists, and the estimator in front."""

from ._estimator import SNRecommender

__all__ = ["SNRecommender"]
