"""An output in a notebook: the report's figures, and the tables as pandas; no Spark is started.

Output paths are local, `s3://` or `s3a://`. Credentials, and the endpoint of a store that is not
AWS, come from the environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL).
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
    """What the report of the output shows: bounded samples, counts, the summary of its run.

    Raises InputNotFoundError where no report was made.
    """
    path = Layout(canonical_path(output_path)).report_data
    system, name = _located(path)
    try:
        with system.open_input_stream(name) as stream:
            return ReportData.from_json(stream.read().decode())
    except FileNotFoundError as error:
        raise _missing(path) from error


def plane(output_path: str, first: int = 1, second: int = 2) -> figure:
    """The sampled images on two of their first four components; a click on a class hides it."""
    data = report_data(output_path)
    return plane_figure.pca_plane(
        data.points,
        data.variance_curve,
        components=(first, second),
        path_root=input_root(data),
    )


def variance_curve(output_path: str) -> figure:
    """The cumulative explained variance of all components, k marked."""
    data = report_data(output_path)
    return figures.variance_curve(data.variance_curve, data.k, data.variance_asked)


def class_counts(output_path: str) -> figure:
    """Images per class."""
    return figures.class_counts(report_data(output_path).classes)


def projection(output_path: str) -> pd.DataFrame:
    """All images: path, label, and pca_1 to pca_k as float32. All of it is read into memory."""
    path = Layout(canonical_path(output_path)).projection
    system, name = _located(path)
    try:
        table = parquet.read_table(name, filesystem=system, columns=["path", "label", "pca"])
    except FileNotFoundError as error:
        raise _missing(path) from error
    frame = table.select(["path", "label"]).to_pandas()
    k = len(table["pca"][0]) if table.num_rows else 0
    components = _rows(table["pca"], k)
    named = pd.DataFrame(components, columns=[f"pca_{number}" for number in range(1, k + 1)])
    return pd.concat([frame, named], axis=1)


def features(
    output_path: str, columns: Sequence[str] = ("path", "label", "features")
) -> pd.DataFrame:
    """All rows of the features table. All of it is read into memory: 5 kB an image."""
    table = _delta(Layout(canonical_path(output_path)).features)
    return table.to_pandas(columns=list(columns))


def quarantine(output_path: str) -> pd.DataFrame:
    """All rows of the quarantine table: which objects have no features, and why."""
    table = _delta(Layout(canonical_path(output_path)).quarantine)
    return table.to_pandas(columns=["path", "label", "length", "reason", "detail"])


def _rows(lists: Any, length: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A column of lists of one length as float32 (rows, length)."""
    values = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float32).reshape(len(lists), length)


def _located(path: str) -> tuple[fs.FileSystem, str]:
    """The file system of a canonical path, and the name there."""
    scheme, bucket, key = split_path(path)
    if scheme == LOCAL_SCHEME:
        return fs.LocalFileSystem(), key
    endpoint = urlsplit(_endpoint())
    if not endpoint.netloc:
        return fs.S3FileSystem(), f"{bucket}/{key}"
    system = fs.S3FileSystem(endpoint_override=endpoint.netloc, scheme=endpoint.scheme)
    return system, f"{bucket}/{key}"


def _endpoint() -> str:
    """The address of a store that is not AWS, which pyarrow does not look for; empty for none."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")


def _delta(path: str) -> DeltaTable:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError
    except ImportError as error:
        raise ImportError("the tables need deltalake: pip install 'deltalake>=1.1,<2'") from error
    scheme, bucket, key = split_path(path)
    endpoint = _endpoint()
    plain = str(endpoint.startswith("http://")).lower()
    options = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": plain} if endpoint else {}
    try:
        if scheme == LOCAL_SCHEME:
            return DeltaTable(key)
        return DeltaTable(f"s3://{bucket}/{key}", storage_options=options)
    except TableNotFoundError as error:
        raise _missing(path) from error


def _missing(path: str) -> InputNotFoundError:
    return InputNotFoundError(
        f"{path} does not exist",
        expected="the output path of a run that ended well",
        fix="check the path, or run `image-features run` with this --output first",
    )
