"""The tables of BeyondArena that have missing cells, and how to read a downloaded one.

``LISTED`` is what to run next. It has each of BeyondArena's 142 tables that has missing cells: 68
tables, those with the fewest cells first. Its numbers are those of
``BeyondArena_tasks_metadata.csv`` of the repository autogluon/tabarena of 2 June 2026 (commit
a0198aa), which counts the missing cells of each table of the collection of TabArena/data-foundry.
That repository does not count those of TabArena-v0.1. Twelve of its 51 tables are in the list, as
BeyondArena prepared them anew: ``IN_TABARENA``.

``load_arena`` reads the layout in which data-foundry saves tables, which is that of the Hugging
Face data set TabArena/BeyondArena: a folder for each table, and in it one for each version, named
by an identifier, with ``dataset.parquet``, ``dtypes.json`` and JSON files of metadata. Versions
that are samples, such as those of a million rows, lie one folder deeper, in ``versions``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from .data import Frame

Task = Literal["binary", "multiclass", "regression"]
Split = Literal["random", "temporal", "grouped"]


class Listed(NamedTuple):
    """A table of the list.

    `n_features` counts a column of groups, if there is one. `missing` is the fraction of the cells
    that are missing, without the columns of the target and of groups.
    """

    name: str
    n_rows: int
    n_features: int
    task: Task
    split: Split
    missing: float


_ROWS: tuple[tuple[str, int, int, Task, Split, float], ...] = (
    ("ljubljana_breast_cancer", 286, 9, "binary", "random", 0.0035),
    ("heart_disease_va_long_beach", 200, 13, "binary", "random", 0.268),
    ("cirrhosis_patient_survival_prediction", 161, 17, "regression", "random", 0.131),
    ("hepatitis_survival_prediction", 155, 19, "binary", "random", 0.0567),
    ("dementia_prediction", 370, 9, "multiclass", "grouped", 0.00709),
    ("heart_disease_hungary", 294, 13, "binary", "random", 0.205),
    ("heart_disease_cleveland", 303, 13, "binary", "random", 0.00152),
    ("ljubljana_primary_tumor", 302, 17, "multiclass", "random", 0.039),
    ("indian_liver_patient_dataset", 583, 10, "binary", "random", 0.000686),
    ("horse_colic_survival", 344, 20, "multiclass", "random", 0.267),
    ("hepatitis_c_prediction", 608, 12, "multiclass", "random", 0.00425),
    ("fitness_club", 1_500, 6, "binary", "random", 0.00222),
    ("credit_approval", 690, 15, "binary", "random", 0.00647),
    ("eryhemato_squamous_disease", 366, 34, "multiclass", "random", 0.000643),
    ("audiology_diagnosis", 199, 68, "multiclass", "random", 0.0207),
    ("wine_world_cost", 1_279, 14, "regression", "random", 0.105),
    ("garments_worker_productivity", 1_197, 15, "regression", "temporal", 0.0355),
    ("coffee_rating_prediction", 2_369, 12, "regression", "temporal", 0.063),
    ("regensburg_pediatric_appendicitis", 763, 51, "binary", "random", 0.345),
    ("marketing_campaign", 2_240, 25, "binary", "random", 0.000429),
    ("homeq_default_prediction", 5_708, 12, "binary", "random", 0.0609),
    ("mice_protein_trisomy_discriminant", 1_080, 77, "multiclass", "grouped", 0.017),
    ("thyroid_discordant", 3_711, 26, "binary", "random", 0.0206),
    ("ghanas_indigenous_intel", 10_928, 10, "multiclass", "temporal", 0.292),
    ("asp_potassco_classification", 1_212, 137, "multiclass", "grouped", 0.109),
    ("mic", 1_699, 111, "multiclass", "random", 0.0847),
    ("jm1", 10_885, 21, "binary", "random", 0.000109),
    ("hr_analytics", 19_158, 12, "binary", "random", 0.0902),
    ("immoscout_german_house_prices", 10_317, 23, "regression", "random", 0.188),
    ("emscad", 17_460, 17, "binary", "random", 0.284),
    ("in_vehicle_coupon_recommendation", 12_684, 24, "binary", "random", 0.0439),
    ("polish_companies_bankruptcy", 5_790, 64, "binary", "random", 0.0124),
    ("video_game_fps_prediction", 12_288, 39, "regression", "grouped", 0.0481),
    ("sat11_hand_algo_runtime", 2_960, 170, "regression", "grouped", 0.0362),
    ("give_me_some_credit", 150_000, 10, "binary", "random", 0.0224),
    ("california_house_prices_2020", 41_528, 41, "regression", "temporal", 0.157),
    ("5g_energy_consumption", 92_629, 21, "regression", "grouped", 0.235),
    ("kick", 72_983, 32, "binary", "temporal", 0.0639),
    ("santander_transaction_value", 4_447, 540, "regression", "random", 0.417),
    ("hotel_booking_demand", 81_418, 31, "binary", "temporal", 0.000135),
    ("customer_satisfaction_in_airline", 129_880, 21, "binary", "random", 0.000144),
    ("kickstarter", 187_118, 15, "binary", "temporal", 0.0561),
    ("diabetes_130_us", 71_518, 44, "binary", "random", 0.0402),
    ("sf_permit_time", 116_954, 37, "regression", "temporal", 0.253),
    ("mercari_price_suggestion_1m", 1_250_000, 6, "regression", "random", 0.0811),
    ("sberbank_housing_market_forecasting", 27_195, 386, "regression", "temporal", 0.0404),
    ("kdd_cup_09_appetency", 50_000, 212, "binary", "random", 0.672),
    ("rossmann_store_sales", 844_392, 15, "regression", "temporal", 0.143),
    ("aps_failure", 76_000, 170, "binary", "random", 0.0835),
    ("early_learning_predictors", 18_874, 744, "regression", "grouped", 0.803),
    ("consumer_complaints_1m", 1_226_140, 12, "multiclass", "temporal", 0.161),
    ("anes_voting_2026", 48_587, 318, "binary", "temporal", 0.577),
    ("santander_customer_satisfaction", 71_080, 307, "binary", "random", 4.9e-06),
    ("porto_seguro", 595_206, 37, "binary", "random", 0.0384),
    ("wids_diabetes_mellitus", 127_358, 181, "binary", "random", 0.329),
    ("labour_inspection_compliance", 63_634, 376, "binary", "random", 0.859),
    ("sepsis_prediction_1m", 1_228_686, 43, "binary", "grouped", 0.667),
    ("pva_revenue_prediction_kddcup98", 144_095, 477, "binary", "random", 0.167),
    ("homesite_quote_conversion", 260_753, 295, "binary", "random", 0.0464),
    ("lending_club_1m", 1_064_751, 96, "binary", "temporal", 0.323),
    ("climate_model_weather_forecasting_1m", 1_250_000, 100, "regression", "temporal", 0.00794),
    ("home_credit_default_risk", 307_507, 504, "binary", "random", 0.337),
    ("amex_non_iid_1m", 1_249_605, 190, "binary", "grouped", 0.0859),
    ("cooking_time_1m", 1_250_000, 196, "regression", "temporal", 0.0805),
    ("ieee_fraud_detection", 590_540, 435, "binary", "temporal", 0.45),
    ("delivery_eta_1m", 1_250_000, 225, "regression", "temporal", 0.172),
    ("home_credit_default_stability_1m", 1_224_927, 711, "binary", "temporal", 0.328),
    ("maps_router_eta_1m", 1_250_000, 988, "regression", "temporal", 0.0465),
)
LISTED = tuple(Listed(*row) for row in _ROWS)

# Their names in TabArena-v0.1 differ: hr_analytics is HR_Analytics_Job_Change_of_Data_Scientists.
IN_TABARENA = (
    "aps_failure",
    "customer_satisfaction_in_airline",
    "diabetes_130_us",
    "fitness_club",
    "give_me_some_credit",
    "hr_analytics",
    "in_vehicle_coupon_recommendation",
    "jm1",
    "kdd_cup_09_appetency",
    "marketing_campaign",
    "mic",
    "polish_companies_bankruptcy",
)


def tables_in(folder: str | Path) -> dict[str, list[Path]]:
    """Find the tables of a folder.

    Parameters
    ----------
    folder : str or Path
        The folder that has the folders of the tables.

    Returns
    -------
    dict of str to list of Path
        The folder of each version, by the name of the table.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}")
    found: dict[str, list[Path]] = {}
    for pattern in ("*/*", "*/versions/*"):
        for path in sorted(folder.glob(f"{pattern}/dataset_metadata.*.json")):
            name = json.loads(path.read_text())["unique_name"]
            found.setdefault(name, []).append(path.parent)
    return found


def listed_in(folder: str | Path) -> list[str]:
    """Return the names of the tables of a folder that are in the list, in the order of the list."""
    found = tables_in(folder)
    return [table.name for table in LISTED if table.name in found]


def load_arena(name: str, folder: str | Path) -> Frame:
    """Read a table from a folder of downloaded tables.

    Columns get the types that the table records, but numbers and truth values those of NumPy:
    with missing ones, floats with NaN. Text is of type object, with NaN. Periods become the times
    at which they begin. Columns of groups are no features: they become the groups that folds keep
    together. Where test rows are later than training rows, the folds are those that the table
    records.

    Parameters
    ----------
    name : str
        The name of the table in BeyondArena, in the list or not.
    folder : str or Path
        The folder that has the folders of the tables.

    Returns
    -------
    Frame
        Features, target, whether the target is a class, groups and folds.

    Raises
    ------
    FileNotFoundError
        If the folder, the table in it, or a file of the table is missing.
    ValueError
        If there are several versions of the table, if a column that its metadata name is missing
        or cannot have its recorded type, or if cells of the target are missing.
    """
    found = tables_in(folder)
    if name not in found:
        there = ", ".join(sorted(found)) or "no table"
        raise FileNotFoundError(
            f"{folder} has no table {name} (a folder <table>/<identifier> with a file "
            f"dataset_metadata.*.json of that unique_name). It has: {there}"
        )
    if len(found[name]) > 1:
        versions = ", ".join(path.name for path in found[name])
        raise ValueError(f"{folder} has several versions of {name}, keep one: {versions}")
    path = found[name][0]
    task = _metadata(path, "task")
    table = _table(path)
    target, groups_of = task["target_column_name"], task.get("group_on") or []
    groups_of = [groups_of] if isinstance(groups_of, str) else groups_of
    for column in (target, *groups_of):
        if column not in table:
            raise ValueError(f"{name} has no column {column!r}, which its task names")
    n_unknown = table[target].isna().sum()
    if n_unknown:
        raise ValueError(f"{n_unknown} cells of {target!r}, the target of {name}, are missing")
    groups = None
    if groups_of:
        of_row = table.groupby(groups_of, dropna=False, observed=True, sort=False).ngroup()
        groups = of_row.to_numpy()
    return Frame(
        table.drop(columns=[target, *groups_of]),
        table[target].to_numpy(),
        task["problem_type"] != "regression",
        groups,
        _folds(path) if task.get("time_on") else None,
    )


def _metadata(path: Path, kind: str) -> dict[str, Any]:
    """Return the metadata of a kind; the name of the file ends with a version of its format."""
    files = sorted(path.glob(f"{kind}_metadata.*.json"))
    if not files:
        raise FileNotFoundError(f"{path} has no file {kind}_metadata.*.json")
    return json.loads(files[0].read_text())


def _table(path: Path) -> pd.DataFrame:
    for file in ("dataset.parquet", "dtypes.json"):
        if not (path / file).is_file():
            raise FileNotFoundError(f"{path} has no file {file}")
    table = pd.read_parquet(path / "dataset.parquet")
    columns = {}
    for name, dtype in json.loads((path / "dtypes.json").read_text()).items():
        if name not in table:
            raise ValueError(f"{path / 'dataset.parquet'} has no column {name!r} of dtypes.json")
        columns[name] = _typed(table[name], dtype)
    return table.assign(**columns)


def _typed(column: pd.Series, dtype: str) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype):  # scikit-learn's encoders refuse its NA
        column = column.astype(object).where(column.notna(), np.nan)
    if dtype.startswith("str"):
        return column
    if str(column.dtype) != dtype:
        try:
            column = column.astype(dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"column {column.name!r} cannot become {dtype}: {error}") from error
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = column.cat.categories
        is_text = isinstance(names.dtype, pd.StringDtype)
        return column.cat.rename_categories(names.astype(object)) if is_text else column
    is_number = pd.api.types.is_numeric_dtype(column.dtype)  # truth values are
    if is_number and not isinstance(column.dtype, np.dtype):
        return column.astype("float64" if column.isna().any() else column.dtype.numpy_dtype)
    return column


def _folds(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    splits = _metadata(path, "experiment")["splits"]
    return [
        (np.asarray(train), np.asarray(test))
        for repeat in splits.values()
        for train, test in repeat.values()
    ]
