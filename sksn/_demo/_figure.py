"""The demo's picture: score and mean output against the number of observed features."""

from __future__ import annotations

import numpy as np

from .._observed import row_counts
from ..inspection._row_groups import row_groups
from ._compare import SCORE_NAMES, Result, group_score
from ._tables import Table, printable

_OUTPUT = {
    "binary": "mean predicted probability of {}",
    "multiclass": "mean confidence (thin: accuracy)",
    "regression": "mean prediction",
}
_STYLE = {
    "SN, power 1": ("tab:orange", "-"),
    "SN, power 1/2": ("tab:blue", "-"),
    "no SN (power 0)": ("tab:red", "--"),
    "SimpleImputer + MLP": ("tab:green", ":"),
    "HistGradientBoosting": ("tab:gray", ":"),
}


def draw(comparisons: list[tuple[Table, dict[str, Result]]], path: str) -> None:
    """Write a PNG with two axes for each table: the score, and the mean output.

    Parameters
    ----------
    comparisons : list of (Table, dict of Result)
        The tables and the results of their models.
    path : str
        Where to write the picture.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2 * len(comparisons)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(comparisons), 2, squeeze=False)
    for (table, results), (left, right) in zip(comparisons, axes, strict=True):
        n_observed = row_counts(table.X)
        bins = row_groups(n_observed)
        x = [n_observed[rows].mean() for rows in bins]
        for name, result in results.items():
            color, line = _STYLE[name]
            style = {"color": color, "linestyle": line, "marker": "o", "markersize": 3}
            left.plot(x, [group_score(table, result, rows) for rows in bins], label=name, **style)
            right.plot(x, [result.output[rows].mean() for rows in bins], label=name, **style)
            if table.task == "multiclass":
                share = [(result.predicted == table.y)[rows].mean() for rows in bins]
                right.plot(x, share, color=color, linestyle=line, lw=0.6)
        if table.task != "multiclass":
            truth = table.y if table.task == "regression" else table.y == np.unique(table.y)[-1]
            (truth_line,) = right.plot(x, [truth[rows].mean() for rows in bins], "k", lw=1)
            right.legend([truth_line], ["observed outcome"], fontsize="small")
        score = "-mean absolute error" if table.task == "regression" else SCORE_NAMES[table.task]
        label = _OUTPUT[table.task].format(repr(str(np.unique(table.y)[-1])))
        for axis, of, quantity in ((left, "score", score), (right, "output", label)):
            plain = {"parse_math": False}  # names may hold dollar signs
            axis.set_title(printable(f"{table.name}: {of}"), **plain)
            axis.set_ylabel(printable(quantity), **plain)
            axis.set_xlabel("observed features in the row")
        left.legend(fontsize="small")
    figure.savefig(path, dpi=100)
