"""Classifiers on the sample images, from features to the report, checked with scikit-learn."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pyspark.sql import Row, SparkSession
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from job.analysis.classification.result import ClassifierResult
from job.cli import main
from job.report.report_data import ReportData

pytestmark = pytest.mark.slow

BASELINE = "logistic-regression-features"
# A rotation series (folder and `r_`) has near-identical images.
SERIES = r"^.*/(?:r_)?"


@dataclass(frozen=True)
class Output:
    """A run on the sample, with a baseline classifier on features and on components."""

    root: Path
    console: str
    features: dict[str, npt.NDArray[np.float32]]

    def result(self, name: str) -> ClassifierResult:
        return ClassifierResult.from_json((self.folder(name) / "result.json").read_text())

    def folder(self, name: str) -> Path:
        return self.root / "classifiers" / name

    def split(self) -> tuple[list[str], list[str]]:
        """Training and test paths, by the documented rule."""
        train, test = [], []
        for label in sorted({label_of(path) for path in self.features}):
            paths = [path for path in self.features if label_of(path) == label]
            paths.sort(key=lambda path: sha256(f"0/{path}".encode()).hexdigest())
            test += paths[:4]
            train += paths[4:]
        return train, test


def label_of(path: str) -> str:
    return path.split("/")[-2]


def classify(root: Path, *arguments: str) -> int:
    return main(["classify", "--output", str(root), *arguments])


@pytest.fixture(scope="module")
def output(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Output:
    root = tmp_path_factory.mktemp("classified") / "output"
    assert main(["run", "--input", str(sample_images), "--output", str(root)]) == 0
    arguments = ["--on", "both", "--classifier", "logistic-regression"]
    with redirect_stdout(io.StringIO()) as console:
        assert classify(root, *arguments, "--run-id", "baseline") == 0
    rows = spark.read.format("delta").load(str(root / "features")).collect()
    features = {row.path: np.array(row.features, dtype=np.float32) for row in rows}
    return Output(root, console.getvalue(), features)


@pytest.fixture(scope="module")
def predicted(spark: SparkSession, output: Output) -> dict[str, Row]:
    """The predictions of the saved baseline for all images, by path."""
    model = str(output.folder(BASELINE))
    arguments = ["--output", str(output.root), "--low-confidence", "0.9", "--run-id", "predicted"]
    assert main(["predict", "--model", model, *arguments]) == 0
    return {row.path: row for row in spark.read.parquet(str(output.root / "predictions")).collect()}


def test_the_scores_match_scikit_learn(output: Output, predicted: dict[str, Row]) -> None:
    _, test = output.split()
    actual, guesses = (
        [label_of(path) for path in test],
        [predicted[path].predicted for path in test],
    )
    result = output.result(BASELINE)
    assert result.scores.images == len(test) == 48
    assert result.scores.accuracy == pytest.approx(metrics.accuracy_score(actual, guesses))
    macro = metrics.f1_score(actual, guesses, average="macro", zero_division=0)
    assert result.scores.macro_f1 == pytest.approx(macro)
    expected = metrics.precision_recall_fscore_support(actual, guesses, zero_division=0)
    classes = result.scores.classes
    rows = [(score.precision, score.recall, score.f1, score.support) for score in classes]
    np.testing.assert_allclose(np.array(rows).T, expected)
    labels = [score.label for score in classes]
    matrix = np.zeros((len(labels), len(labels)), dtype=int)
    for row, column, images in result.confusion:
        matrix[labels.index(row), labels.index(column)] = images
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(actual, guesses, labels=labels))


@pytest.mark.parametrize("name", [BASELINE, "logistic-regression-pca"])
def test_the_baseline_is_as_good_as_scikit_learns_on_features(output: Output, name: str) -> None:
    train, test = output.split()
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=1 / (0.01 * len(train))))
    reference.fit([output.features[path] for path in train], [label_of(path) for path in train])
    expected = reference.score(
        [output.features[path] for path in test], [label_of(path) for path in test]
    )
    accuracy = output.result(name).scores.accuracy
    assert accuracy is not None
    assert accuracy >= 0.9
    # Two of the 48 images.
    assert abs(accuracy - expected) <= 2 / 48


def test_near_duplicates_and_the_score_without_them(
    output: Output, predicted: dict[str, Row]
) -> None:
    train, test = output.split()
    unit = {path: row / np.linalg.norm(row) for path, row in output.features.items()}
    cosine = np.array([unit[path] for path in test]) @ np.array([unit[path] for path in train]).T
    is_duplicate = cosine.max(axis=1) >= 0.95
    duplicates = output.result(BASELINE).near_duplicates
    assert (duplicates.compared, duplicates.images) == (48, is_duplicate.sum())
    assert 0 < duplicates.images < 48
    others = [path for path, duplicate in zip(test, is_duplicate, strict=True) if not duplicate]
    correct = [predicted[path].predicted == label_of(path) for path in others]
    assert duplicates.without.images == len(others)
    assert duplicates.without.accuracy == pytest.approx(np.mean(correct))


def test_no_two_varieties_of_the_sample_are_near_duplicates(output: Output) -> None:
    unit = {path: row / np.linalg.norm(row) for path, row in output.features.items()}
    labels = np.array([label_of(path) for path in unit])
    cosine = np.array(list(unit.values())) @ np.array(list(unit.values())).T
    assert cosine[labels[:, None] != labels[None, :]].max() < 0.95


def test_the_console_shows_each_score_with_its_caveats(output: Output) -> None:
    for name in (BASELINE, "logistic-regression-pca"):
        assert f"{name}: accuracy " in output.console
    assert output.console.count("near-duplicates (cosine of features at least 0.95): ") == 2
    assert output.console.count("12 of 12 test classes are also in training") == 2
    assert f"against {BASELINE}: " in output.console


def test_a_result_records_its_run(output: Output) -> None:
    result = output.result("logistic-regression-pca")
    summary = json.loads((output.root / "runs" / "baseline.json").read_text())
    assert summary["status"] == "complete"
    assert result.fingerprint == summary["fingerprint"]
    assert (result.fingerprint["backbone"], result.run_id) == ("mobilenet_v2", "baseline")
    assert result.versions["pyspark"] == summary["versions"]["pyspark"]
    assert (result.split.seed, result.split.train_images, result.split.test_images) == (0, 192, 48)
    assert result.variance is not None
    assert result.variance >= 0.90
    assert output.result(BASELINE).columns == 1280
    assert len(result.classes) == 12


def test_confused_pairs_name_images_that_were_confused(
    output: Output, predicted: dict[str, Row]
) -> None:
    result = output.result(BASELINE)
    wrong = sum(images for actual, guess, images in result.confusion if actual != guess)
    assert sum(pair.images for pair in result.confused) == wrong
    for pair in result.confused:
        assert 1 <= len(pair.examples) <= min(pair.images, 3)
        for path in pair.examples:
            assert (label_of(path), predicted[path].predicted) == (pair.actual, pair.predicted)


def test_probabilities_are_of_all_classes_and_sum_to_one(
    output: Output, predicted: dict[str, Row]
) -> None:
    assert predicted.keys() == output.features.keys()
    for path, row in predicted.items():
        assert row.label == label_of(path)
        assert sorted(row.probabilities) == output.result(BASELINE).classes
        assert sum(row.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert row.probability == max(row.probabilities.values())
        assert row.probability == row.probabilities[row.predicted]


def test_images_of_low_confidence_are_listed_lowest_first(
    output: Output, predicted: dict[str, Row]
) -> None:
    low = [row for row in predicted.values() if row.probability < 0.9]
    assert low
    with (output.root / "low_confidence.csv").open(newline="") as file:
        listed = list(csv.DictReader(file, strict=True))
    assert list(listed[0]) == ["path", "label", "predicted", "probability"]
    expected = sorted(low, key=lambda row: (row.probability, row.path))
    assert [row["path"] for row in listed] == [row.path for row in expected]


def test_new_images_are_featurized_and_predicted(
    spark: SparkSession,
    output: Output,
    sample_images: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for number, image in enumerate(sorted((sample_images / "Tomato 3").iterdir())[:6]):
        (tmp_path / "new").mkdir(exist_ok=True)
        shutil.copyfile(image, tmp_path / "new" / f"{number}.jpg")
    model = str(output.folder("logistic-regression-pca"))
    new = ["--input", str(tmp_path / "new"), "--output", str(tmp_path / "out")]
    assert main(["predict", "--model", model, *new]) == 0
    rows = spark.read.parquet(str(tmp_path / "out" / "predictions")).collect()
    assert sorted(Path(row.path).name for row in rows) == [f"{number}.jpg" for number in range(6)]
    assert [row.predicted for row in rows].count("Tomato 3") >= 5
    assert "6 images predicted" in capfd.readouterr().out


def test_folds_keep_series_together(output: Output) -> None:
    arguments = ["--classifier", "logistic-regression", "--on", "pca", "--folds", "2"]
    assert classify(output.root, *arguments, "--group-regex", SERIES, "--seed", "1") == 0
    result = output.result("logistic-regression-pca")
    assert [fold.fold for fold in result.folds] == [0, 1]
    assert sum(fold.images for fold in result.folds) == 240
    assert (result.scores.images, result.split.groups_in_both) == (240, 0)
    assert (result.split.train_images, result.split.seed) == (240, 1)
    right = sum(images for actual, guess, images in result.confusion if actual == guess)
    assert result.scores.accuracy == pytest.approx(right / 240)
    accuracies = [fold.accuracy for fold in result.folds]
    mean = np.average(accuracies, weights=[fold.images for fold in result.folds])
    assert result.scores.accuracy == pytest.approx(mean)


def test_a_folder_tests_a_random_forest(output: Output) -> None:
    arguments = ["--classifier", "random-forest", "--on", "pca", "--class-weight", "none"]
    assert classify(output.root, *arguments, "--test-glob", "**/r_*") == 0
    result = output.result("random-forest-pca")
    tested = sum(Path(path).name.startswith("r_") for path in output.features)
    assert result.split.test_images == tested
    assert result.split.train_images == 240 - tested
    assert result.scores.accuracy is not None
    # Chance is 1 in 12. Trees split along components, so the measured accuracy was 0.57, not 0.9.
    assert result.scores.accuracy > 0.4
    assert result.class_weight == "none"


def test_xgboost_is_trained_saved_as_json_and_read_back(
    spark: SparkSession, output: Output, tmp_path: Path
) -> None:
    assert classify(output.root, "--classifier", "xgboost", "--on", "pca") == 0
    result = output.result("xgboost-pca")
    assert result.scores.accuracy is not None
    assert result.scores.accuracy > 0.6
    json.loads((output.folder("xgboost-pca") / "model" / "model.json").read_text())
    copied = shutil.copytree(output.root / "features", tmp_path / "out" / "features").parent
    shutil.copytree(output.root / "quarantine", copied / "quarantine")
    model = str(output.folder("xgboost-pca"))
    assert main(["predict", "--model", model, "--output", str(copied)]) == 0
    rows = {row.path: row for row in spark.read.parquet(str(copied / "predictions")).collect()}
    _, test = output.split()
    right = np.mean([rows[path].predicted == label_of(path) for path in test])
    assert result.scores.accuracy == pytest.approx(right)


def test_the_report_shows_the_classifiers(output: Output, tmp_path: Path) -> None:
    copy = tmp_path / "report.html"
    assert main(["report", "--output", str(output.root), "--report-copy", str(copy)]) == 0
    page = copy.read_text()
    assert 'id="figure-confusion"' in page
    assert BASELINE in page
    assert "have one in training" in page
    data = ReportData.from_json((output.root / "report" / "data.json").read_text())
    section = data.sections["classifiers"]
    examples = {path for pair in section["results"][0]["confused"] for path in pair["examples"]}
    assert section["thumbnails"].keys() == examples


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str], spark: SparkSession) -> Callable[..., str]:
    """Run a command that must fail with an exit code; return its error line."""

    def run(exit_code: int, *arguments: str) -> str:
        capfd.readouterr()
        assert main(arguments) == exit_code
        error = capfd.readouterr().err
        assert "Traceback" not in error
        (line,) = [line for line in error.splitlines() if line.startswith("image-features: ")]
        assert "fix: " in line
        return line

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "1"], "--split is 1"),
        (["--folds", "1"], "--folds is 1"),
        (["--folds", "2", "--test-glob", "**"], "--test-glob and --folds are given"),
        (["--group-level", "1", "--group-regex", "x"], "--group-level and --group-regex are given"),
        (["--group-regex", "("], "--group-regex '(' cannot be read"),
        (["--duplicate-cosine", "2"], "--duplicate-cosine is 2"),
        (["--test-glob", "**/Test/**"], "no image is left to test"),
        (["--test-glob", "**"], "training has 0 classes"),
        (["--folds", "2", "--group-level", "1"], "training has none of the test classes"),
    ],
)
def test_an_invalid_split_is_rejected(
    fails: Callable[..., str], output: Output, arguments: list[str], message: str
) -> None:
    before = sorted((output.root / "classifiers").iterdir())
    assert message in fails(2, "classify", "--output", str(output.root), *arguments)
    assert sorted((output.root / "classifiers").iterdir()) == before


def test_features_of_another_fingerprint_are_rejected(
    fails: Callable[..., str], output: Output, tmp_path: Path
) -> None:
    other = shutil.copytree(output.folder(BASELINE), tmp_path / BASELINE)
    saved = json.loads((other / "result.json").read_text())
    saved["fingerprint"]["exif_rotate"] = True
    (other / "result.json").write_text(json.dumps(saved))
    line = fails(5, "predict", "--model", str(other), "--output", str(output.root))
    assert "exif_rotate: True here, False there" in line


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_folder_without_a_classifier_is_rejected(
    fails: Callable[..., str], output: Output, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    line = fails(5, "predict", "--model", str(tmp_path), "--output", str(output.root))
    assert "result.json" in line


def test_components_without_a_fit_are_rejected(fails: Callable[..., str], output: Output) -> None:
    features_only = output.root.parent / "features-only"
    shutil.copytree(output.root / "features", features_only / "features")
    line = fails(5, "classify", "--output", str(features_only), "--on", "pca")
    assert "has no manifest.json" in line


def test_a_missing_extra_is_named(
    fails: Callable[..., str], output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    line = fails(12, "classify", "--output", str(output.root), "--classifier", "xgboost")
    assert "pip install 'image-features[xgboost]'" in line
