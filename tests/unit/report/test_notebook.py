"""The notebook functions read an output without Spark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyarrow import parquet

from job.errors import InputNotFoundError
from job.report import notebook
from tests.unit.report.report_examples import planes_report


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tables and the report's data of 60 images, as a run writes them."""
    root = tmp_path_factory.mktemp("an output")
    report = planes_report()
    (root / "report").mkdir()
    (root / "report" / "data.json").write_text(report.to_json(), encoding="utf-8")
    columns = {
        "path": [point.path for point in report.points],
        "label": [point.label for point in report.points],
    }
    pca = [[point.component(number) for number in (1, 2, 3, 4)] for point in report.points]
    rows = pa.table(columns | {"pca": pa.array(pca, pa.list_(pa.float32()))})
    (root / "projection").mkdir()
    # Spark writes several files and a marker that they are complete.
    parquet.write_table(rows.slice(0, 25), root / "projection" / "part-00000.parquet")
    parquet.write_table(rows.slice(25), root / "projection" / "part-00001.parquet")
    (root / "projection" / "_SUCCESS").touch()
    features = pa.array([[1.0, 2.0]] * 60, pa.list_(pa.float32()))
    write_deltalake(root / "features", pa.table(columns | {"features": features}))
    return str(root)


def test_the_plane_is_that_of_the_report(output: str) -> None:
    plane = notebook.plane(output, 3, 4)
    assert plane.xaxis[0].axis_label == "PC 3 (15.0 %)"
    assert len(plane.renderers[0].data_source.data["path"]) == 60
    assert plane.renderers[0].data_source.data["path"][0] == "Apple/0.jpg"


def test_the_curve_and_the_bars_are_those_of_the_report(output: str) -> None:
    curve = notebook.variance_curve(output).renderers[1].data_source.data["kept"]
    assert curve.tolist() == pytest.approx([0.5, 0.8, 0.95, 1.0])
    bars = notebook.class_counts(output).renderers[0].data_source.data
    assert bars["images"] == [20, 20, 20]


def test_the_projection_has_a_column_per_component(output: str) -> None:
    rows = notebook.projection(output)
    assert rows.columns.tolist() == ["path", "label", "pca_1", "pca_2", "pca_3", "pca_4"]
    assert len(rows) == 60
    (plum,) = rows[rows["path"] == "s3a://fruits/train/Plum/5.jpg"].itertuples()
    assert (plum.pca_1, plum.pca_2, plum.pca_3, plum.pca_4) == (50.0, 40.0, 40.0, 50.0)
    assert rows["pca_1"].dtype == np.float32


def test_features_are_a_data_frame(output: str) -> None:
    rows = notebook.features(output)
    assert np.stack(rows["features"].to_list()).shape == (60, 2)


@pytest.mark.parametrize(
    "read", [notebook.plane, notebook.projection, notebook.features, notebook.quarantine]
)
def test_a_path_without_an_output_is_an_error(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(InputNotFoundError, match=r"does not exist.*fix: check the path"):
        read(str(tmp_path))
