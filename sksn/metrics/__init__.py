"""Metrics of recommended lists."""

from ._lists import (
    average_precision_at_k,
    coverage_at_k,
    hit_rate_at_k,
    mean_popularity_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from ._scorer import make_ranking_scorer

__all__ = [
    "average_precision_at_k",
    "coverage_at_k",
    "hit_rate_at_k",
    "make_ranking_scorer",
    "mean_popularity_at_k",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
]
