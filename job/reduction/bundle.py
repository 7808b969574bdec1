"""The bundle: scaler + PCA as a Spark ML PipelineModel, with the files that this job needs.

    pca/manifest.json           describes the fit; names and sha256 of its two array files
    pca/fit-<sha256>.npz        mean, std, components, variance curve
    pca/moments-<sha256>.npz    count, mean, co-moments: the start of a later fit
    pca/model/                  the same fit for other Spark programs: PipelineModel.load

The manifest is written last, atomically, and array files are immutable: a process that dies while
it overwrites a bundle leaves the previous bundle intact. `model/` cannot be replaced atomically on
S3; its uid equals the manifest's `model_uid` unless a fit died at that point. The next run then
writes it again (`restore_model`).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import PCAModel, StandardScalerModel
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import SparkSession

from job.errors import IncompatibleBundleError
from job.reduction.moments import Moments, table_id_of
from job.reduction.pca import Fit
from job.runtime import filesystem
from job.runtime.retries import retried

FEATURES_VECTOR = "features_vector"
SCALED = "scaled"
PCA = "pca"

_FORMAT = 1
_ARRAYS = ("mean", "std", "components", "explained_variance", "explained_variance_ratio")


@dataclass(frozen=True)
class ArrayFile:
    """An array file next to the manifest; `sha256` is the hash of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`; `explained_variance_ratio` is the whole curve, not only k.

    `variance` or `components` is the requested value. `features_version` is the version of the
    fitted features table. `drift` is the reference for drift, None in old manifests. `save_bundle`
    sets `arrays`, the files of `fit` and `moments`.
    """

    run_id: str
    created: str
    fingerprint: dict[str, Any]
    versions: dict[str, str]
    rows: int
    columns: int
    constant_columns: int
    k: int
    variance: float | None
    components: int | None
    variance_explained: float
    explained_variance_ratio: list[float]
    model_uid: str
    features_version: int | None = None
    drift: dict[str, Any] | None = None
    arrays: dict[str, ArrayFile] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        fit: Fit,
        *,
        run_id: str,
        fingerprint: Mapping[str, Any],
        versions: Mapping[str, str],
        variance: float | None,
        components: int | None,
        features_version: int | None = None,
        drift: dict[str, Any] | None = None,
    ) -> Manifest:
        """The manifest of a fit with `variance` or `components`; `components` takes precedence."""
        return cls(
            run_id=run_id,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=dict(fingerprint),
            versions=dict(versions),
            rows=fit.count,
            columns=len(fit.mean),
            constant_columns=int((fit.std == 0).sum()),
            k=fit.k,
            variance=variance if components is None else None,
            components=components,
            variance_explained=float(fit.explained_variance_ratio[: fit.k].sum()),
            explained_variance_ratio=fit.explained_variance_ratio.tolist(),
            model_uid=f"image_features_{run_id}",
            features_version=features_version,
            drift=drift,
        )

    def to_json(self) -> str:
        """JSON with sorted keys and a format number."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest that `to_json` wrote. Raises ValueError for anything else."""
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise ValueError(f"not a manifest of format {_FORMAT}")
        # The first manifests lack these keys.
        content.setdefault("features_version", None)
        content.setdefault("drift", None)
        if content.keys() != {entry.name for entry in fields(cls)}:
            raise ValueError(f"other keys: {', '.join(sorted(content))}")
        try:
            arrays = {kind: ArrayFile(**content["arrays"][kind]) for kind in ("fit", "moments")}
        except (TypeError, KeyError) as error:
            raise ValueError(f"its array files are not named: {error}") from error
        return cls(**{**content, "arrays": arrays})


@dataclass(frozen=True)
class Bundle:
    """A scaler + PCA saved under `path`."""

    path: str
    manifest: Manifest
    fit: Fit


@retried
def save_bundle(
    spark: SparkSession,
    fit: Fit,
    moments: Moments,
    manifest: Manifest,
    path: str,
    table_id: str = "",
) -> Bundle:
    """Write the bundle to the folder `path`, replacing any previous one.

    `table_id` is the id of the Delta table with the fitted rows.
    """
    contents = {"fit": _fit_bytes(fit), "moments": moments.to_bytes(table_id)}
    arrays = {kind: _write_array(spark, path, kind, data) for kind, data in contents.items()}
    manifest = replace(manifest, arrays=arrays)
    _write_model(spark, fit, manifest.model_uid, path)
    _write_manifest(spark, manifest, path)
    _delete_superseded(spark, path, manifest)
    return Bundle(path, manifest, fit)


@retried
def restore_model(spark: SparkSession, bundle: Bundle) -> bool:
    """Write `model/` again unless it is that of the manifest; returns whether it was written.

    A fit that dies between the two leaves no model, part of one, or one that no manifest names.
    """
    uid = bundle.manifest.model_uid
    if _saved_model_uid(spark, bundle.path) == uid:
        return False
    _write_model(spark, bundle.fit, uid, bundle.path)
    return True


@retried
def save_drift(spark: SparkSession, bundle: Bundle, drift: dict[str, Any]) -> Bundle:
    """Replace `drift` in the manifest of a bundle, atomically; returns the changed bundle."""
    manifest = replace(bundle.manifest, drift=drift)
    _write_manifest(spark, manifest, bundle.path)
    return replace(bundle, manifest=manifest)


def load_bundle(spark: SparkSession, path: str) -> Bundle:
    """The bundle that `save_bundle` wrote to `path`.

    Raises IncompatibleBundleError if it is missing, damaged or from another program.
    """
    try:
        text = filesystem.read_bytes(spark, f"{path}/manifest.json").decode()
    except FileNotFoundError as error:
        raise _incompatible(path, "has no manifest.json") from error
    except UnicodeDecodeError as error:
        raise _incompatible(path, "has a manifest.json that is not text") from error
    try:
        manifest = Manifest.from_json(text)
    except ValueError as error:
        raise _incompatible(path, f"has a manifest.json of something else: {error}") from error
    data = _read_array(spark, path, manifest.arrays["fit"])
    return Bundle(path, manifest, _fit_from_bytes(data, manifest))


def copy_bundle(spark: SparkSession, bundle: Bundle, path: str) -> None:
    """Copy the files that projection needs to the folder `path`: neither moments nor model.

    `load_bundle` reads the copy, which does not depend on the original.
    """
    file = bundle.manifest.arrays["fit"]
    filesystem.write_bytes(spark, f"{path}/{file.name}", _read_array(spark, bundle.path, file))
    filesystem.write_bytes(spark, f"{path}/manifest.json", bundle.manifest.to_json().encode())


def load_moments(spark: SparkSession, bundle: Bundle, table_id: str = "") -> Moments:
    """The moments that the bundle was fitted from; reads d x d x 8 bytes.

    Raises IncompatibleBundleError if they are missing, damaged or not of the table `table_id`.
    """
    data = _read_array(spark, bundle.path, bundle.manifest.arrays["moments"])
    saved_id = table_id_of(data)
    if table_id and saved_id and saved_id != table_id:
        raise _incompatible(bundle.path, "was fitted on a features table that was deleted since")
    return Moments.from_bytes(data)


def require_fingerprint(bundle: Bundle, fingerprint: Mapping[str, Any]) -> None:
    """Raise IncompatibleBundleError, with the differing parts, if the fingerprint differs."""
    fitted = bundle.manifest.fingerprint
    differing = [
        f"{part} {fitted.get(part)!r} in the bundle and {fingerprint.get(part)!r} here"
        for part in sorted(fitted.keys() | fingerprint.keys())
        if fitted.get(part) != fingerprint.get(part)
    ]
    if differing:
        raise IncompatibleBundleError(
            f"{bundle.path} was fitted on features of another fingerprint: {', '.join(differing)}",
            expected="the fingerprint of the features that are projected",
            fix="run `image-features fit` on these features, or featurize as the bundle's were",
        )


def pipeline_model(spark: SparkSession, fit: Fit, uid: str) -> PipelineModel:
    """The fit as StandardScalerModel + PCAModel: `features_vector` -> `scaled` -> `pca`.

    Calls their JVM constructors: Spark ML has no other way to create a model from arrays.
    """
    context = spark.sparkContext
    jvm: Any = context._jvm
    feature = jvm.org.apache.spark.ml.feature
    std = _py2java(context, DenseVector(fit.std))
    mean = _py2java(context, DenseVector(fit.mean))
    scaler = StandardScalerModel(feature.StandardScalerModel(f"{uid}_scaler", std, mean))
    scaler._set(withMean=True, withStd=True, inputCol=FEATURES_VECTOR, outputCol=SCALED)
    columns, k = fit.components.shape
    pc = _py2java(context, DenseMatrix(columns, k, fit.components.ravel(order="F")))
    ratio = _py2java(context, DenseVector(fit.explained_variance_ratio[:k]))
    pca = PCAModel(feature.PCAModel(f"{uid}_pca", pc, ratio))
    pca._set(k=k, inputCol=SCALED, outputCol=PCA)
    model = PipelineModel([scaler, pca])
    model._resetUid(uid)
    return model


def _write_model(spark: SparkSession, fit: Fit, uid: str, path: str) -> None:
    filesystem.delete(spark, f"{path}/model")
    pipeline_model(spark, fit, uid).write().save(f"{path}/model")


def _saved_model_uid(spark: SparkSession, path: str) -> str | None:
    """The uid of the complete model under `path`; None without one."""
    with suppress(FileNotFoundError, StopIteration):
        metadata = f"{path}/model/metadata"
        part = next(n for n in filesystem.names(spark, metadata) if n.startswith("part-"))
        uid = str(json.loads(filesystem.read_bytes(spark, f"{metadata}/{part}"))["uid"])
        # Spark writes the stages after the metadata, and the PCA last.
        last = filesystem.names(spark, f"{path}/model/stages/1_{uid}_pca/data")
        return uid if any(name.startswith("part-") for name in last) else None
    return None


def _write_manifest(spark: SparkSession, manifest: Manifest, path: str) -> None:
    filesystem.write_bytes(spark, f"{path}/manifest.json", manifest.to_json().encode())


def _fit_bytes(fit: Fit) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(fit, name) for name in _ARRAYS})
    return buffer.getvalue()


def _fit_from_bytes(data: bytes, manifest: Manifest) -> Fit:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Fit(count=manifest.rows, k=manifest.k, **{name: arrays[name] for name in _ARRAYS})


def _write_array(spark: SparkSession, path: str, kind: str, data: bytes) -> ArrayFile:
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"{kind}-{sha256[:16]}.npz"
    filesystem.write_bytes(spark, f"{path}/{name}", data)
    return ArrayFile(name, sha256)


def _read_array(spark: SparkSession, path: str, file: ArrayFile) -> bytes:
    try:
        data = filesystem.read_bytes(spark, f"{path}/{file.name}")
    except FileNotFoundError as error:
        raise _incompatible(path, f"lacks {file.name}") from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise _incompatible(path, f"has a damaged {file.name}")
    return data


def _delete_superseded(spark: SparkSession, path: str, manifest: Manifest) -> None:
    current = {file.name for file in manifest.arrays.values()}
    for name in filesystem.names(spark, path):
        if name.endswith(".npz") and name not in current:
            filesystem.delete(spark, f"{path}/{name}")


def _incompatible(path: str, what: str) -> IncompatibleBundleError:
    return IncompatibleBundleError(
        f"{path} {what}",
        expected="the folder `pca` that `image-features fit` wrote",
        fix="check the path, or run `image-features fit` again",
    )
