"""One frozen dataclass per subcommand, checked before anything starts."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from job.errors import InvalidValueError

READERS = ("auto", "concurrent", "s3a")
EXPORT_FORMATS = ("csv", "parquet", "npy")
# The two tables that a row of numbers an image is in.
VECTORS = ("features", "pca")
PRECISIONS = ("f32", "bf16")
CLASSIFIERS = ("logistic-regression", "random-forest", "xgboost")
# Each by itself, or one after the other.
CLASSIFIED = (*VECTORS, "both")
CLASS_WEIGHTS = ("balanced", "none")
MEBIBYTE = 1024 * 1024
# The driver holds them all.
MOST_NEIGHBOURS = 10_000
# A week: who reads an older version, or fits from what has changed since it, is done by then.
RETENTION_HOURS = 168


def new_run_id() -> str:
    """A run id that sorts by time and does not collide: 20260102t030405-1a2b3c."""
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True)
class ImagesConfig:
    """Which objects are images of this run, and how they are read and decoded.

    `label_level` is how many folders above the file the label is: 1 the parent folder,
    2 its parent, 0 no label. Sizes are in bytes and pixels of the original image.
    """

    input_path: str
    glob: str = "**"
    label_level: int = 1
    reader: str = "auto"
    exif_rotate: bool = False
    max_image_bytes: int = 100 * MEBIBYTE
    max_image_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        _one_of("--reader", self.reader, READERS)
        _at_least("--label-level", self.label_level, 0)
        _at_least("--max-image-bytes", self.max_image_bytes, 1)
        _at_least("--max-image-pixels", self.max_image_pixels, 1)


@dataclass(frozen=True)
class NetworkConfig:
    """Which network makes the features; `weights` None is the file that is shipped.

    `batch_size` images a forward pass; None: as many as the cores of a task are fastest with.
    `precision` is the numeric class of the features, which is part of their fingerprint.
    """

    backbone: str = "mobilenet_v2"
    weights: str | None = None
    batch_size: int | None = None
    precision: str = "f32"

    def __post_init__(self) -> None:
        _one_of("--precision", self.precision, PRECISIONS)
        if self.batch_size is not None:
            _at_least("--batch-size", self.batch_size, 1)


@dataclass(frozen=True)
class FeaturizeConfig:
    """`featurize`: images in, features and quarantine tables out.

    `portion_images` images are committed at a time; None: all of few, else about as many as five
    minutes take (see `job/pipeline/batches.py`). More than `compact_above` files beyond those that
    the rows need are compacted. `keep_deleted` keeps the rows of images that are gone.
    """

    output_path: str
    images: ImagesConfig
    network: NetworkConfig = field(default_factory=NetworkConfig)
    run_id: str = field(default_factory=new_run_id)
    max_bad_fraction: float = 0.01
    portion_images: int | None = None
    compact_above: int = 100
    refeaturize: bool = False
    allow_drop: bool = False
    keep_deleted: bool = False

    def __post_init__(self) -> None:
        fix = "0.01 allows one bad image in a hundred"
        _share("--max-bad-fraction", self.max_bad_fraction, fix)
        if self.portion_images is not None:
            _at_least("--portion-images", self.portion_images, 1)
        _at_least("--compact-above", self.compact_above, 0)


@dataclass(frozen=True)
class DriftConfig:
    """Above what drift is a finding; None leaves what the bundle says, at first its defaults.

    `mean_shift` in standard deviations of a component, `reconstruction` as a multiple of what is
    expected, `outside` as a share of the new images.
    """

    mean_shift: float | None = None
    reconstruction: float | None = None
    outside: float | None = None

    def __post_init__(self) -> None:
        for name in ("mean_shift", "reconstruction", "outside"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InvalidValueError(
                    f"--drift-{name.replace('_', '-')} is {value}",
                    expected="a number above 0",
                    fix="leave it out for the default; with a large one nothing is found",
                )


@dataclass(frozen=True)
class FitConfig:
    """`fit`: scaler + PCA on existing features; `components` wins over `variance`.

    Without `refit` an earlier fit that was asked for in the same way stays.
    """

    output_path: str
    run_id: str = field(default_factory=new_run_id)
    variance: float = 0.90
    components: int | None = None
    refit: bool = True
    drift: DriftConfig = field(default_factory=DriftConfig)

    def __post_init__(self) -> None:
        if not 0 < self.variance <= 1:
            raise InvalidValueError(
                f"--variance is {self.variance}",
                expected="a share of the variance above 0 and at most 1",
                fix="use 0.90 for 90 %",
            )
        if self.components is not None:
            _at_least("--components", self.components, 1)


@dataclass(frozen=True)
class ProjectConfig:
    """`project`: the bundle of `bundle_path` onto the features under `output_path`.

    With `featurize`, the images of another folder are featurized into `output_path` first.
    """

    output_path: str
    bundle_path: str
    run_id: str = field(default_factory=new_run_id)
    featurize: FeaturizeConfig | None = None
    fail_on_drift: bool = False


@dataclass(frozen=True)
class ExportConfig:
    """`export`: the projection of `output_path` as files for other programs.

    `exported` "features" writes the features themselves, which npy alone can.
    """

    output_path: str
    file_format: str = "csv"
    destination: str | None = None
    csv_max_rows: int = 5_000_000
    exported: str = "pca"

    def __post_init__(self) -> None:
        _one_of("--format", self.file_format, EXPORT_FORMATS)
        _one_of("--on", self.exported, VECTORS)
        _at_least("--csv-max-rows", self.csv_max_rows, 1)
        if self.exported == "features" and self.file_format != "npy":
            raise InvalidValueError(
                f"--on features does not go with --format {self.file_format}",
                expected="--format npy",
                fix="write --format npy, or read the table features itself, which is Parquet",
            )


@dataclass(frozen=True)
class ReportConfig:
    """`report`: report/index.html of what `output_path` holds, and a copy on the local disk."""

    output_path: str
    local_copy: str | None = None


@dataclass(frozen=True)
class CompactConfig:
    """`compact`: small files of the tables of `output_path` as large ones, old ones deleted."""

    output_path: str
    run_id: str = field(default_factory=new_run_id)
    retention_hours: int = RETENTION_HOURS

    def __post_init__(self) -> None:
        _at_least("--retention-hours", self.retention_hours, 0)


@dataclass(frozen=True)
class RunConfig:
    """`run`: everything in order; one output path and one run id for all steps.

    With `fail_on_drift` a run whose new images drift from those of the fit ends as a failure,
    after all is written.
    """

    featurize: FeaturizeConfig
    fit: FitConfig
    export: ExportConfig
    report: ReportConfig
    fail_on_drift: bool = False


@dataclass(frozen=True)
class SampleConfig:
    """`sample`: `images_per_class` images of `classes` classes of each split, None for all.

    The same `seed` on the same paths chooses the same images.
    """

    images: ImagesConfig
    output_path: str
    classes: int | None = None
    images_per_class: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("--label-level", self.images.label_level, 1)
        for option, value in [
            ("--classes", self.classes),
            ("--images-per-class", self.images_per_class),
        ]:
            if value is not None:
                _at_least(option, value, 1)
        if self.classes is None and self.images_per_class is None:
            raise InvalidValueError(
                "neither --classes nor --images-per-class is given",
                expected="one of them or both",
                fix="such as --classes 6 --images-per-class 200",
            )


@dataclass(frozen=True)
class ClusterConfig:
    """`cluster`: k-means of the projection of `output_path`; `clusters` None: one a label.

    It begins `starts` times, from centres drawn with `seed` and the numbers that follow.
    """

    output_path: str
    clusters: int | None = None
    seed: int = 0
    starts: int = 5

    def __post_init__(self) -> None:
        if self.clusters is not None:
            _at_least("--clusters", self.clusters, 2)
        _at_least("--starts", self.starts, 1)


@dataclass(frozen=True)
class SimilarConfig:
    """`similar`: the `count` images of `output_path` that are nearest to one image.

    `image_path` is a path of the table or any other. On the features near is by cosine, on the
    `pca` by Euclidean distance. `weights` None is the file that is shipped.
    """

    output_path: str
    image_path: str
    count: int = 10
    on: str = "features"
    weights: str | None = None

    def __post_init__(self) -> None:
        _one_of("--on", self.on, VECTORS)
        _at_least("--count", self.count, 1)
        _at_most("--count", self.count, MOST_NEIGHBOURS)


@dataclass(frozen=True)
class SplitConfig:
    """Which images test a classifier; `share` of each class where nothing else is asked for.

    `test_glob` names them by their path, `folds` lets each image test once. Images of one group
    stay together: those with the same folder `group_level` above the file, or those in whose path
    `group_regex` matches the same text.
    """

    share: float = 0.2
    test_glob: str | None = None
    folds: int | None = None
    group_level: int | None = None
    group_regex: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InvalidValueError(
                f"--split is {self.share}",
                expected="the share of test images, above 0 and below 1",
                fix="use 0.2 to test with every fifth image",
            )
        if self.folds is not None:
            _at_least("--folds", self.folds, 2)
        if self.group_level is not None:
            _at_least("--group-level", self.group_level, 1)
        _at_most_one({"--test-glob": self.test_glob, "--folds": self.folds})
        _at_most_one({"--group-level": self.group_level, "--group-regex": self.group_regex})
        _regular("--group-regex", self.group_regex)


@dataclass(frozen=True)
class ClassifyConfig:
    """`classify`: classifiers of the features under `output_path`, trained, scored and saved.

    `on` is what they see: features, the components of the fit, or each by itself. Test images with
    a training image of at least `duplicate_cosine` are counted as near-duplicates.
    """

    output_path: str
    split: SplitConfig = field(default_factory=SplitConfig)
    on: str = "features"
    classifiers: tuple[str, ...] = CLASSIFIERS[:2]
    class_weight: str = "balanced"
    duplicate_cosine: float = 0.95
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        _one_of("--on", self.on, CLASSIFIED)
        _one_of("--class-weight", self.class_weight, CLASS_WEIGHTS)
        for name in self.classifiers:
            _one_of("--classifier", name, CLASSIFIERS)
        fix = "with 1 only images of the same features count"
        _share("--duplicate-cosine", self.duplicate_cosine, fix)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What is classified, one after the other."""
        return VECTORS if self.on == "both" else (self.on,)


@dataclass(frozen=True)
class PredictConfig:
    """`predict`: the classifier saved in `model_path` on the features under `output_path`.

    With `featurize`, the images of another folder are featurized into `output_path` first. Images
    whose most probable class is less probable than `low_confidence` are listed.
    """

    output_path: str
    model_path: str
    run_id: str = field(default_factory=new_run_id)
    low_confidence: float = 0.5
    featurize: FeaturizeConfig | None = None

    def __post_init__(self) -> None:
        fix = "with 0 no image is listed, with 1 nearly all are"
        _share("--low-confidence", self.low_confidence, fix)


def _share(option: str, value: float, fix: str) -> None:
    if not 0 <= value <= 1:
        raise InvalidValueError(f"{option} is {value}", expected="a number from 0 to 1", fix=fix)


def _at_most_one(given: dict[str, object]) -> None:
    names = [option for option, value in given.items() if value is not None]
    if len(names) > 1:
        raise InvalidValueError(
            f"{' and '.join(names)} are given", expected="one of them", fix=f"leave out {names[1]}"
        )


def _regular(option: str, value: str | None) -> None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise InvalidValueError(
            f"{option} {value!r} cannot be read: {error}",
            expected="a regular expression",
            fix="write a backslash before a character that stands for itself",
        ) from error


def _at_least(option: str, value: int, least: int) -> None:
    if value < least:
        raise InvalidValueError(
            f"{option} is {value}",
            expected=f"at least {least}",
            fix=f"set {option} to {least} or more",
        )


def _at_most(option: str, value: int, most: int) -> None:
    if value > most:
        raise InvalidValueError(
            f"{option} is {value}",
            expected=f"at most {most:,}",
            fix=f"set {option} to {most} or less",
        )


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidValueError(
            f"{option} is {value!r}",
            expected=" | ".join(allowed),
            fix=f"set {option} to one of them",
        )
