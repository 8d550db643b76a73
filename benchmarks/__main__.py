"""The command line of the benchmarks: ``python -m benchmarks {list,run,report} [study]``."""

from __future__ import annotations

import argparse
import sys
import warnings
from importlib import import_module
from types import ModuleType

from sklearn.exceptions import ConvergenceWarning

STUDIES = {
    "defaults": "benchmarks.evidence.defaults",
    "claims": "benchmarks.evidence.claims",
    "mechanisms": "benchmarks.evidence.mechanisms",
    "conditions": "benchmarks.evidence.conditions",
    "capacity": "benchmarks.evidence.capacity",
    "outliers": "benchmarks.evidence.outliers",
    "as_brought": "benchmarks.evidence.as_brought",
    "frames": "benchmarks.evidence.frames",
    "tuned": "benchmarks.evidence.tuned",
    "further": "benchmarks.evidence.further",
    "imputers": "benchmarks.evidence.imputers",
    "movielens": "benchmarks.ratings.movielens",
    "lists": "benchmarks.ranking.lists",
    "speed": "benchmarks.speed.suite",
    "row_sparse": "benchmarks.speed.row_sparse",
    "sampled": "benchmarks.speed.sampled",
    "jobs": "benchmarks.speed.jobs",
    "readme": "benchmarks.readme",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("task", choices=["list", "run", "report"])
    parser.add_argument("study", nargs="?", choices=list(STUDIES))
    arguments = parser.parse_args(argv[:2])
    if arguments.task == "list":
        for name, path in STUDIES.items():
            print(f"{name:12s} {_summary(import_module(path))}")
        return 0
    if arguments.study is None:
        parser.error(f"{arguments.task} needs a study: {', '.join(STUDIES)}")
    study = import_module(STUDIES[arguments.study])
    if not hasattr(study, arguments.task):
        parser.error(f"{arguments.study} has nothing to {arguments.task}")
    of_study = argparse.ArgumentParser(
        prog=f"python -m benchmarks {arguments.task} {arguments.study}",
        description=study.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    study.add_arguments(of_study, arguments.task)
    warnings.simplefilter("ignore", ConvergenceWarning)
    getattr(study, arguments.task)(of_study.parse_args(argv[2:]))
    return 0


def _summary(study: ModuleType) -> str:
    return (study.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
