"""Projects features onto the principal components of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from job.errors import IncompatibleBundleError
from job.reduction.arrow_matrix import dimensions, matrix
from job.reduction.pca import Fit
from job.schemas import FEATURES, LABEL, PATH, PROJECTION_SCHEMA, RUN_ID

Floats = npt.NDArray[np.float64]
Matrices = tuple[Floats, Floats, Floats]
# Called on a worker for each batch with its components (n, k), the squared lengths (n,) of its
# scaled features, and the run ids of its rows.
Observe = Callable[[Floats, Floats, pa.Array], None]


def project(features: DataFrame, fit: Fit, observe: Observe | None = None) -> DataFrame:
    """The first k principal components of each row, PROJECTION_SCHEMA, `pca` float32.

    Equals the saved PipelineModel: ((x - mean) / std) @ components, in float64. The job fails with
    IncompatibleBundleError if a row has another number of columns than the fit. `observe` requires
    the column run_id.
    """
    matrices = (fit.mean, fit.scale[:, np.newaxis] * fit.components, fit.scale**2)
    broadcast = features.sparkSession.sparkContext.broadcast(matrices)

    def task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _project_task(batches, broadcast, observe)

    columns = [PATH, LABEL, FEATURES] if observe is None else [PATH, LABEL, FEATURES, RUN_ID]
    return features.select(*columns).mapInArrow(task, PROJECTION_SCHEMA)


def _project_task(
    batches: Iterable[pa.RecordBatch], matrices: Broadcast[Matrices], observe: Observe | None
) -> Iterator[pa.RecordBatch]:
    mean, directions, weights = matrices.value
    schema = to_arrow_schema(PROJECTION_SCHEMA)
    for batch in batches:
        if batch.num_rows:
            path, label, features, *run_ids = batch.columns
            _require_columns(features, len(mean))
            deviations = matrix(features) - mean
            components = deviations @ directions
            if observe is not None:
                observe(components, deviations**2 @ weights, run_ids[0])
            yield pa.RecordBatch.from_arrays([path, label, _list_array(components)], schema=schema)


def _list_array(rows: npt.NDArray[np.float64]) -> pa.ListArray:
    ends = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(rows.shape[1])
    item = pa.field("element", pa.float32(), nullable=False)
    return pa.ListArray.from_arrays(ends, rows.astype(np.float32).ravel(), type=pa.list_(item))


def _require_columns(features: pa.ListArray, columns: int) -> None:
    sizes = dimensions(features)
    if sizes != [columns]:
        raise IncompatibleBundleError(
            f"features of {' and '.join(map(str, sizes))} columns meet a bundle of {columns}",
            expected="features and bundle of one network",
            fix="run `image-features fit` on these features",
        )
