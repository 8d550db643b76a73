"""Splitters of interactions by their dates."""

from ._splitters import LeaveLastOut, TimeSplit

__all__ = ["LeaveLastOut", "TimeSplit"]
