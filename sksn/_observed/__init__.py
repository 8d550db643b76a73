"""What counts as observed: the one place that looks for missing entries.

A dense entry is missing if it is NaN. A sparse entry is missing if it is not stored, or stored as
NaN; stored zeros are observed. `missing_values` names numbers that mean missing too.
"""

from ._column_reader import CATEGORICAL_FEATURES, ColumnReader
from ._dates import Cycles
from ._entries import (
    column_counts,
    complete_columns,
    missing_mask,
    missing_shares,
    observed_blocks,
    row_counts,
    row_of_entry,
    select_entries,
    to_container,
    with_entries,
    with_nan,
)
from ._kinds import as_frame, column_of, is_frame, seconds_of, with_plain_numbers
from ._markers import (
    MISSING_VALUES,
    Markers,
    MissingValues,
    check_missing_values,
    written_marker,
)
from ._raw_input import prepared
from ._validation import validate_observed, warn_of_other_container

__all__ = [
    "CATEGORICAL_FEATURES",
    "MISSING_VALUES",
    "ColumnReader",
    "Cycles",
    "Markers",
    "MissingValues",
    "as_frame",
    "check_missing_values",
    "column_counts",
    "column_of",
    "complete_columns",
    "is_frame",
    "missing_mask",
    "missing_shares",
    "observed_blocks",
    "prepared",
    "row_counts",
    "row_of_entry",
    "seconds_of",
    "select_entries",
    "to_container",
    "validate_observed",
    "warn_of_other_container",
    "with_entries",
    "with_nan",
    "with_plain_numbers",
    "written_marker",
]
