"""All classes have the same total weight."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from job.analysis.classification.classifiers import class_weights


def test_weights_match_the_balanced_weights_of_scikit_learn() -> None:
    labels = np.array(["Apple"] * 6 + ["Plum"] * 3 + ["Pear"])
    expected = compute_class_weight(
        "balanced", classes=np.array(["Apple", "Pear", "Plum"]), y=labels
    )
    weights = class_weights({"Apple": 6, "Pear": 1, "Plum": 3})
    assert [weights[label] for label in ("Apple", "Pear", "Plum")] == pytest.approx(expected)
