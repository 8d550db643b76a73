"""What a newcomer does first, as the README says: run in a fresh environment, from the wheel.

``python tests/newcomer.py`` prints what it did and fails where something does not work. The release
check runs it outside the clone, so it must not import from the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import sksn


def the_ten_lines_of_the_readme() -> None:
    import numpy as np
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import cross_val_score

    from sksn import SNClassifier
    from sksn.datasets import make_holes

    X, y = load_breast_cancer(return_X_y=True)
    X = make_holes(X, rate=0.45, rate_spread=0.45, random_state=0)
    scores = cross_val_score(SNClassifier(random_state=0), X, y, scoring="roc_auc")
    print(f"README: AUROC {scores.mean():.3f} of five folds")
    assert np.isnan(X).any()
    assert scores.mean() > 0.96


def lists_from_clicks() -> None:
    from sksn import SNRecommender

    clicks = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"], ["bob", "casablanca"]]
    items, _ = SNRecommender(ranking_settings="default").fit(clicks).recommend(["ann"], n=1)
    print(f"recommended to ann: {items[0, 0]}")
    assert items.tolist() == [["casablanca"]]


def a_torch_network() -> None:
    import torch
    from torch import nn

    from sksn.nn import SNLinear

    net = nn.Sequential(SNLinear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    output = net(torch.tensor([[1.0, torch.nan, 2.0], [torch.nan] * 3]))
    print(f"a torch network: {tuple(output.shape)}")
    assert output.isfinite().all()


def importing_is_light() -> None:
    code = "import sksn, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def the_demo_runs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "demo.png")
        command = [sys.executable, "-m", "sksn", "--quick", "--output", picture]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.count("SN") > 2
    print("the demo runs")


def main() -> None:
    print(f"sksn {sksn.__version__} in {Path(sksn.__file__).parent}")
    the_ten_lines_of_the_readme()
    lists_from_clicks()
    a_torch_network()
    importing_is_light()
    the_demo_runs()


if __name__ == "__main__":
    main()
