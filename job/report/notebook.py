"""Notebook access to an output: the report's figures, and the tables as pandas, without Spark.

Output paths are local, `s3://` or `s3a://`. Credentials and the endpoint of a store other than AWS
come from the environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from bokeh.plotting import figure
from pyarrow import fs, parquet

from job.errors import InputNotFoundError
from job.layout import Layout
from job.paths import LOCAL_SCHEME, canonical_path, split_path
from job.report import figures, plane_figure
from job.report.page import input_root
from job.report.report_data import ReportData

if TYPE_CHECKING:
    from deltalake import DeltaTable


def report_data(output_path: str) -> ReportData:
    """The data of the output's report: bounded samples, counts, the summary of its run.

    Raises InputNotFoundError if the output has no report.
    """
    path = Layout(canonical_path(output_path)).report_data
    filesystem, name = _open_filesystem(path)
    try:
        with filesystem.open_input_stream(name) as stream:
            return ReportData.from_json(stream.read().decode())
    except FileNotFoundError as error:
        raise _missing(path) from error


def plane(output_path: str, first: int = 1, second: int = 2) -> figure:
    """The sampled images on two of the first four components; a click on a class hides it."""
    data = report_data(output_path)
    return plane_figure.pca_plane(
        data.points,
        data.variance_curve,
        components=(first, second),
        path_root=input_root(data),
    )


def variance_curve(output_path: str) -> figure:
    """The cumulative explained variance of all components, with a mark at k."""
    data = report_data(output_path)
    return figures.variance_curve(data.variance_curve, data.k, data.variance_asked)


def class_counts(output_path: str) -> figure:
    """A bar chart of images per class."""
    return figures.class_counts(report_data(output_path).classes)


def projection(output_path: str) -> pd.DataFrame:
    """All images: path, label, and pca_1 to pca_k as float32. Loads all rows into memory."""
    path = Layout(canonical_path(output_path)).projection
    filesystem, name = _open_filesystem(path)
    try:
        table = parquet.read_table(name, filesystem=filesystem, columns=["path", "label", "pca"])
    except FileNotFoundError as error:
        raise _missing(path) from error
    frame = table.select(["path", "label"]).to_pandas()
    k = len(table["pca"][0]) if table.num_rows else 0
    columns = [f"pca_{number}" for number in range(1, k + 1)]
    components = pd.DataFrame(_to_matrix(table["pca"], k), columns=columns)
    return pd.concat([frame, components], axis=1)


def features(
    output_path: str, columns: Sequence[str] = ("path", "label", "features")
) -> pd.DataFrame:
    """All rows of the features table. Loads all rows into memory, 5 kB per image."""
    table = _open_delta_table(Layout(canonical_path(output_path)).features)
    return table.to_pandas(columns=list(columns))


def quarantine(output_path: str) -> pd.DataFrame:
    """All rows of the quarantine table: the objects without features, and the reasons."""
    table = _open_delta_table(Layout(canonical_path(output_path)).quarantine)
    return table.to_pandas(columns=["path", "label", "length", "reason", "detail"])


def _to_matrix(lists: Any, length: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A column of lists of equal length as float32 (rows, length)."""
    values = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float32).reshape(len(lists), length)


def _open_filesystem(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a canonical path, and the path's name on it."""
    scheme, bucket, key = split_path(path)
    if scheme == LOCAL_SCHEME:
        return fs.LocalFileSystem(), key
    endpoint = urlsplit(_endpoint())
    if not endpoint.netloc:
        return fs.S3FileSystem(), f"{bucket}/{key}"
    s3 = fs.S3FileSystem(endpoint_override=endpoint.netloc, scheme=endpoint.scheme)
    return s3, f"{bucket}/{key}"


def _endpoint() -> str:
    """The endpoint of a store other than AWS, which pyarrow does not look up; empty for AWS."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")


def _open_delta_table(path: str) -> DeltaTable:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError
    except ImportError as error:
        raise ImportError("the tables need deltalake: pip install 'deltalake>=1.1,<2'") from error
    scheme, bucket, key = split_path(path)
    endpoint = _endpoint()
    allow_http = str(endpoint.startswith("http://")).lower()
    options = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": allow_http} if endpoint else {}
    try:
        if scheme == LOCAL_SCHEME:
            return DeltaTable(key)
        return DeltaTable(f"s3://{bucket}/{key}", storage_options=options)
    except TableNotFoundError as error:
        raise _missing(path) from error


def _missing(path: str) -> InputNotFoundError:
    return InputNotFoundError(
        f"{path} does not exist",
        expected="the output path of a successful run",
        fix="check the path, or run `image-features run` with this --output first",
    )
