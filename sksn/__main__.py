"""The demo: what Sparsity Normalization does to data with missing values.

``python -m sksn`` removes cells of data that come with scikit-learn.
``python -m sksn --data FILE --target COLUMN`` reads a CSV file. Both print a table and draw a
picture.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from sksn import __version__

from ._demo._tables import N_FOLDS, Table, TableError, built_in, printable, read_csv, remove_cells


def main(argv: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    arguments = _parse(argv)
    try:
        _check_files(arguments)
        tables = _tables(arguments)
    except TableError as error:
        print(f"sksn: {printable(str(error))}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore", ConvergenceWarning)  # the other models' defaults may stop early
    from ._demo._compare import compare, format_table

    comparisons = []
    for table in tables:
        print(f"\n{printable(table.name)}")
        for note in table.notes:
            print(f"  {printable(note)}")
        n_folds = 2 if arguments.quick else N_FOLDS
        comparisons.append(
            (table, compare(table, seed=arguments.seed, n_folds=n_folds, quick=arguments.quick))
        )
    if arguments.quick:
        print("\nA smoke test: few epochs and two folds, so the scores below mean nothing.")
    for table, results in comparisons:
        print(f"\n{format_table(table, results)}")
        if table.meaning and not arguments.quick:
            print(f"\n{textwrap.fill(table.meaning, 100)}")
    if arguments.save and not _save(tables[0], arguments.save, arguments.seed):
        return 2
    return _picture(comparisons, arguments.output)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sksn",
        description="Compare networks with and without Sparsity Normalization, and other models, "
        "on a table with missing values. Prints a table and draws a picture.",
    )
    parser.add_argument("--version", action="version", version=f"sksn {__version__}")
    parser.add_argument(
        "--data", metavar="FILE", help="a CSV file with a header line (or .csv.gz), or parquet"
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column of FILE to predict")
    parser.add_argument(
        "--holes",
        action="store_true",
        help="remove further cells of FILE, as in the built-in demo",
    )
    parser.add_argument(
        "--save",
        metavar="MODEL",
        help="train a network with the defaults on FILE, and save it for joblib.load",
    )
    parser.add_argument("--output", metavar="PNG", default="sksn-demo.png", help="the picture")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of removed cells, folds and networks"
    )
    parser.add_argument(
        "--quick", action="store_true", help="two folds and few epochs: a smoke test"
    )
    arguments = parser.parse_args(argv)
    if (arguments.data is None) != (arguments.target is None):
        parser.error("--data and --target go together")
    if arguments.holes and arguments.data is None:
        parser.error("--holes goes with --data")
    if arguments.save is not None and arguments.data is None:
        parser.error("--save goes with --data")
    if not 0 <= arguments.seed < 2**32:
        parser.error(f"--seed must be between 0 and 2**32 - 1, got {arguments.seed}")
    return arguments


def _tables(arguments: argparse.Namespace) -> list[Table]:
    if arguments.data is None:
        return built_in(arguments.seed)
    table = read_csv(arguments.data, arguments.target)
    if arguments.holes:
        table.X = remove_cells(table.X, arguments.seed)
        table.notes.append(f"further cells removed: {100 * table.missing_share:.0f} % missing now")
    elif not table.missing_share:
        table.notes.append("nothing is missing, so SN changes nothing; --holes removes cells")
    return [table]


def _check_files(arguments: argparse.Namespace) -> None:
    """Check before the training whether the picture and the model can be written."""
    if Path(arguments.output).suffix.lower() != ".png":
        raise TableError(f"--output must name a .png file, got {arguments.output}")
    for path in (arguments.output, arguments.save):
        if path is not None:
            _check_writable(path)


def _check_writable(path: str) -> None:
    file = Path(path).absolute()
    if not file.parent.is_dir():
        raise TableError(f"cannot write {path}: there is no such folder")
    try:
        is_new = not os.path.lexists(file)  # a link is not, even if it leads nowhere
        file.open("ab").close()
    except OSError as error:
        raise TableError(f"cannot write {path}: {error.strerror}") from error
    if is_new:
        file.unlink()


def _save(table: Table, path: str, seed: int) -> bool:
    from ._demo._compare import save_model

    try:
        save_model(table, path, seed)
    except OSError as error:
        print(f"sksn: cannot write {path}: {error.strerror}", file=sys.stderr)
        return False
    print(f"\nThe model is in {path}: joblib.load({path!r}).predict(frame)")
    return True


def _picture(comparisons: list, path: str) -> int:
    try:
        from ._demo._figure import draw

        draw(comparisons, path)
    except ModuleNotFoundError:
        print("\nNo picture: install matplotlib (pip install 'sksn[plot]') to get one.")
        return 0
    except OSError as error:
        print(f"sksn: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"\nThe picture is in {path}. Left: the score of rows with few and with many observed")
    print("features. Right: the mean output, which should follow the outcome and not their number.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
