"""One frozen dataclass per subcommand; its fields are the options of the command line."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from job.errors import InvalidValueError
from job.layout import Layout
from job.local_pages import require_page_file
from job.option import Config, GivenBy, Option, Range, all_options
from job.path_rules import (
    is_listed,
    require_apart_from_images,
    require_destination,
    require_disjoint,
    require_outside,
    require_plain,
)

READERS = ("auto", "concurrent", "s3a")
EXPORT_FORMATS = ("csv", "parquet", "npy")
# The tables with one vector per image.
VECTORS = ("features", "pca")
CLASSIFIERS = ("logistic-regression", "random-forest", "xgboost")
CLASS_WEIGHTS = ("balanced", "none")
MEBIBYTE = 1024 * 1024
# A reader of an old version, and a fit that needs the changes since then, finish within a week.
RETENTION_HOURS = 168
# Another run may take over an output whose lease was not renewed for this long.
LEASE_SECONDS = 60.0

_AT_LEAST_ONE = Range(minimum=1)
_SHARE = Range(0, 1)
OutputPath = Annotated[
    str,
    Option(
        "Where tables, models and reports are kept.",
        flag="--output",
        metavar="PATH",
        location=True,
        plain=True,
    ),
]
# The --input of `project` and `predict`.
_NEW_IMAGES = GivenBy("input_path", "New images; they are featurized into the output first.")


def new_run_id() -> str:
    """A run id that sorts by time and does not collide: 20260102t030405-1a2b3c."""
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True)
class ImagesConfig(Config):
    """The objects that a run takes for images, and how they are read and decoded."""

    input_path: Annotated[
        str,
        Option(
            "Folder of images: s3a://, s3:// or local.",
            flag="--input",
            metavar="PATH",
            location=True,
        ),
    ]
    glob: Annotated[str, Option("Read only objects whose path under the input matches.")] = "**"
    label_level: Annotated[
        int,
        Option(
            "The folder that names the label: 1 is the parent, 2 its parent; 0: no label.",
            within=Range(minimum=0),
        ),
    ] = 1
    reader: Annotated[
        str,
        Option(
            "concurrent: workers fetch many objects at once; s3a: Spark's binaryFile; "
            "auto: concurrent, or s3a if an fs.s3a setting requires it.",
            choices=READERS,
        ),
    ] = "auto"
    exif_rotate: Annotated[bool, Option("Rotate images by their EXIF orientation.")] = False
    max_image_bytes: Annotated[
        int, Option("Quarantine files with more bytes.", within=_AT_LEAST_ONE)
    ] = 100 * MEBIBYTE
    max_image_pixels: Annotated[
        int, Option("Quarantine images with more pixels.", within=_AT_LEAST_ONE)
    ] = 50_000_000


@dataclass(frozen=True)
class NetworkConfig(Config):
    """The network that computes the features."""

    backbone: Annotated[str, Option("The network.")] = "mobilenet_v2"
    weights: Annotated[
        str | None,
        Option(
            "Keras weights file of the backbone.", metavar="FILE", default_text="the shipped file"
        ),
    ] = None
    batch_size: Annotated[
        int | None,
        Option(
            "Images per forward pass.",
            within=_AT_LEAST_ONE,
            default_text="2 if a task has one core, 8 if it has more",
        ),
    ] = None


@dataclass(frozen=True)
class FeaturizeConfig(Config):
    """`featurize`: images in, features and quarantine tables out.

    If `batch_images` is None, few images make one batch, and many make batches of about five
    minutes (see `job/pipeline/batches.py`).
    """

    output_path: OutputPath
    images: ImagesConfig
    network: NetworkConfig = field(default_factory=NetworkConfig)
    run_id: str = field(default_factory=new_run_id)
    max_bad_fraction: Annotated[
        float,
        Option(
            "If a larger share of images is bad, end with exit code 6 after all is written.",
            within=_SHARE,
            fix="0.01 allows one bad image in a hundred",
        ),
    ] = 0.01
    batch_images: Annotated[
        int | None,
        Option(
            "Images per commit; a crash loses at most two such batches.",
            within=_AT_LEAST_ONE,
            default_text="all if few, else about five minutes of work",
            renamed_from="--portion-images",
        ),
    ] = None
    compact_above: Annotated[
        int,
        Option(
            "Compact the tables if they have this many more files than their rows need.",
            metavar="FILES",
            within=Range(minimum=0),
        ),
    ] = 100
    refeaturize: Annotated[
        bool, Option("Featurize all images again; allows another network or other weights.")
    ] = False
    allow_drop: Annotated[
        bool, Option("Drop rows even if more than 10 % of the images are gone.")
    ] = False
    keep_deleted: Annotated[bool, Option("Keep the rows of deleted images.")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_apart_from_images(self.output_path, self.images.input_path, self.images.glob)


_DRIFT_FIX = "leave it out for the default; a large value turns the check off"


@dataclass(frozen=True)
class DriftConfig(Config):
    """Thresholds of drift; None uses the thresholds of the last fit, at first the defaults."""

    mean_shift: Annotated[
        float | None,
        Option(
            "Drift: the mean of a component moves by more standard deviations.",
            flag="--drift-mean-shift",
            metavar="SD",
            within=Range(above=0),
            fix=_DRIFT_FIX,
            default_text="the last fit's, at first 0.5",
        ),
    ] = None
    reconstruction: Annotated[
        float | None,
        Option(
            "Drift: the reconstruction error is more times the expected one.",
            flag="--drift-reconstruction",
            metavar="TIMES",
            within=Range(above=0),
            fix=_DRIFT_FIX,
            default_text="the last fit's, at first 1.5",
        ),
    ] = None
    outside: Annotated[
        float | None,
        Option(
            "Drift: a larger share of new images is outside the fitted region.",
            flag="--drift-outside",
            metavar="SHARE",
            within=Range(above=0),
            fix=_DRIFT_FIX,
            default_text="the last fit's, at first 0.1",
        ),
    ] = None


@dataclass(frozen=True)
class FitConfig(Config):
    """`fit`: scaler + PCA on existing features; `components` wins over `variance`.

    Without `refit`, an earlier fit with the same settings is kept.
    """

    output_path: OutputPath
    run_id: str = field(default_factory=new_run_id)
    variance: Annotated[
        float,
        Option(
            "Keep as many components as explain this share of the variance.",
            metavar="SHARE",
            within=Range(above=0, maximum=1),
            fix="use 0.90 for 90 %",
        ),
    ] = 0.90
    components: Annotated[
        int | None, Option("Keep this many components; overrides --variance.", within=_AT_LEAST_ONE)
    ] = None
    refit: Annotated[bool, Option("Fit again even if an earlier fit could be kept.")] = False
    drift: DriftConfig = field(default_factory=DriftConfig)


FailOnDrift = Annotated[
    bool,
    Option("If new images drift from the fit, end with exit code 14 after all is written."),
]


@dataclass(frozen=True)
class ProjectConfig(Config):
    """`project`: projects the features under `output_path` with the bundle of `bundle_path`."""

    output_path: OutputPath
    bundle_path: Annotated[
        str,
        Option("The pca folder of a run's output.", flag="--bundle", metavar="PATH", location=True),
    ]
    run_id: str = field(default_factory=new_run_id)
    featurize: Annotated[FeaturizeConfig | None, _NEW_IMAGES] = None
    fail_on_drift: FailOnDrift = False


@dataclass(frozen=True)
class ExportConfig(Config):
    """`export`: writes the vectors of `output_path` as files for other programs."""

    output_path: OutputPath
    file_format: Annotated[
        str, Option("Format of the files.", flag="--format", choices=EXPORT_FORMATS)
    ] = "csv"
    destination: Annotated[
        str | None,
        Option(
            "A file for csv, a folder for parquet and npy.",
            metavar="PATH",
            location=True,
            default_text="in the output: final_features.csv, npy",
        ),
    ] = None
    csv_max_rows: Annotated[
        int, Option("Write no CSV if there are more rows.", within=_AT_LEAST_ONE)
    ] = 5_000_000
    exported: Annotated[
        str,
        Option(
            "The vectors to export; features only with --format npy.", flag="--on", choices=VECTORS
        ),
    ] = "pca"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exported == "features" and self.file_format != "npy":
            raise InvalidValueError(
                f"--on features does not go with --format {self.file_format}",
                expected="--format npy",
                fix="write --format npy, or read the table features itself, which is Parquet",
            )
        self._require_destination()

    def _require_destination(self) -> None:
        if self.destination is not None:
            require_destination(self.destination, self.output_path, self.file_format)
        if self.file_format == "parquet":
            if self.destination is None:
                raise InvalidValueError(
                    "--format parquet has no --destination",
                    expected="a folder",
                    fix=f"name one, or read {Layout(self.output_path).projection}, which is "
                    "Parquet",
                )
            require_plain("--destination", self.destination)


@dataclass(frozen=True)
class ReportConfig(Config):
    """`report`: writes report/index.html for `output_path`, and a copy on the local disk."""

    output_path: OutputPath
    local_copy: Annotated[
        str | None,
        Option("Also write the report to this local file.", flag="--report-copy", metavar="FILE"),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local_copy is not None:
            require_page_file("--report-copy", self.local_copy)
            require_outside("--report-copy", self.local_copy, "the output", self.output_path)


@dataclass(frozen=True)
class CompactConfig(Config):
    """`compact`: merges small files in the tables of `output_path`, and deletes old files."""

    output_path: OutputPath
    run_id: str = field(default_factory=new_run_id)
    retention_hours: Annotated[
        int, Option("Hours of table history to keep.", within=Range(minimum=0))
    ] = RETENTION_HOURS


@dataclass(frozen=True)
class RunConfig(Config):
    """`run`: all steps in order, with one output path and one run id."""

    featurize: FeaturizeConfig
    fit: FitConfig
    export: ExportConfig
    report: ReportConfig
    fail_on_drift: FailOnDrift = False

    def __post_init__(self) -> None:
        super().__post_init__()
        copy, images = self.report.local_copy, self.featurize.images
        if copy is not None and is_listed(images.input_path, images.glob, copy):
            require_outside("--report-copy", copy, "the input", images.input_path)


@dataclass(frozen=True)
class SampleConfig(Config):
    """`sample`: copies `images_per_class` images of `classes` classes of each split; None is all.

    The same `seed` on the same paths selects the same images.
    """

    images: ImagesConfig
    output_path: Annotated[
        str,
        Option(
            "New or empty folder: s3a://, s3:// or local.",
            flag="--output",
            metavar="PATH",
            location=True,
        ),
    ]
    classes: Annotated[
        int | None,
        Option(
            "Classes of each split.", metavar="N", within=_AT_LEAST_ONE, default_text="all classes"
        ),
    ] = None
    images_per_class: Annotated[
        int | None,
        Option(
            "Images of each class and split; all if a class has fewer.",
            metavar="N",
            within=_AT_LEAST_ONE,
            default_text="all images",
        ),
    ] = None
    seed: Annotated[int, Option("Random seed; the same one selects the same images.")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_disjoint(self.output_path, self.images.input_path)
        if self.images.label_level < 1:
            raise InvalidValueError(
                f"--label-level is {self.images.label_level}",
                expected="at least 1",
                fix="name the folder of the class; a sample is taken class by class",
            )
        if self.classes is None and self.images_per_class is None:
            raise InvalidValueError(
                "neither --classes nor --images-per-class is given",
                expected="one of them or both",
                fix="such as --classes 6 --images-per-class 200",
            )


@dataclass(frozen=True)
class ClusterConfig(Config):
    """`cluster`: k-means of the projection of `output_path`.

    If `clusters` is None, there is one cluster per label. The restarts use `seed` and the numbers
    that follow as random seeds.
    """

    output_path: OutputPath
    clusters: Annotated[
        int | None,
        Option(
            "Number of clusters.",
            metavar="K",
            within=Range(minimum=2),
            default_text="the number of labels",
        ),
    ] = None
    seed: Annotated[int, Option("Random seed of the first centres.")] = 0
    restarts: Annotated[
        int,
        Option(
            "Number of k-means restarts; the best result is kept.",
            within=_AT_LEAST_ONE,
            renamed_from="--starts",
        ),
    ] = 5


@dataclass(frozen=True)
class SimilarConfig(Config):
    """`similar`: finds the `count` images of `output_path` that are nearest to one image.

    `image_path` may be any image, also one outside the output. The driver holds all neighbours.
    """

    output_path: OutputPath
    image_path: str
    count: Annotated[int, Option("Number of images to find.", within=Range(1, 10_000))] = 10
    on: Annotated[
        str,
        Option(
            "features: by cosine distance; pca: by Euclidean distance of the components.",
            choices=VECTORS,
        ),
    ] = "features"
    weights: Annotated[
        str | None,
        Option(
            "Weights file of the output's network, for an image outside the output.",
            metavar="FILE",
            default_text="the shipped file",
        ),
    ] = None


@dataclass(frozen=True)
class SplitConfig(Config):
    """The images that test a classifier: a `share` of each class, a `test_glob`, or `folds`.

    Images of one group stay together. A group has the same folder `group_level` levels above the
    file, or the same text that `group_regex` matches in the path.
    """

    share: Annotated[
        float,
        Option(
            "Test on this share of each class.",
            flag="--split",
            metavar="SHARE",
            within=Range(above=0, below=1),
            fix="use 0.2 to test with every fifth image",
        ),
    ] = 0.2
    test_glob: Annotated[
        str | None,
        Option(
            "Test on the images whose path in the bucket matches, such as '**/Test/**'.",
            metavar="GLOB",
        ),
    ] = None
    folds: Annotated[
        int | None,
        Option(
            "Cross-validate with K folds; each image is tested once.",
            metavar="K",
            within=Range(minimum=2),
        ),
    ] = None
    group_level: Annotated[
        int | None,
        Option(
            "Do not split images with the same folder N levels up.",
            metavar="N",
            within=_AT_LEAST_ONE,
        ),
    ] = None
    group_regex: Annotated[
        str | None,
        Option("Do not split images in whose path this matches the same text.", metavar="REGEX"),
    ] = None
    seed: Annotated[int, Option("Random seed of the split.")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_at_most_one({"--test-glob": self.test_glob, "--folds": self.folds})
        _require_at_most_one({"--group-level": self.group_level, "--group-regex": self.group_regex})
        _require_regular_expression("--group-regex", self.group_regex)


@dataclass(frozen=True)
class ClassifyConfig(Config):
    """`classify`: trains, scores and saves classifiers of the features under `output_path`."""

    output_path: OutputPath
    split: SplitConfig = field(default_factory=SplitConfig)
    on: Annotated[
        str,
        Option(
            "The input of the classifiers; both compares the components with the features.",
            choices=(*VECTORS, "both"),
        ),
    ] = "features"
    classifiers: Annotated[
        tuple[str, ...],
        Option(
            "A classifier to train; repeatable. xgboost needs the extra of that name.",
            flag="--classifier",
            choices=CLASSIFIERS,
        ),
    ] = CLASSIFIERS[:2]
    class_weight: Annotated[
        str,
        Option(
            "balanced: weight images inversely to the size of their class.", choices=CLASS_WEIGHTS
        ),
    ] = "balanced"
    duplicate_cosine: Annotated[
        float,
        Option(
            "A test image with this cosine or more to a training image is a near-duplicate.",
            within=_SHARE,
            fix="with 1 only images of the same features count",
        ),
    ] = 0.95
    run_id: str = field(default_factory=new_run_id)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input vectors of the classifiers, in order."""
        return VECTORS if self.on == "both" else (self.on,)


@dataclass(frozen=True)
class PredictConfig(Config):
    """`predict`: predicts classes of the features under `output_path` with a saved classifier."""

    output_path: OutputPath
    model_path: Annotated[
        str,
        Option(
            "A folder under `classifiers` of a run's output.",
            flag="--model",
            metavar="PATH",
            location=True,
            plain=True,
        ),
    ]
    run_id: str = field(default_factory=new_run_id)
    low_confidence: Annotated[
        float,
        Option(
            "List the images whose most probable class is less probable.",
            within=_SHARE,
            fix="with 0 no image is listed, with 1 nearly all are",
        ),
    ] = 0.5
    featurize: Annotated[FeaturizeConfig | None, _NEW_IMAGES] = None


# The config of each subcommand that the chart can run, and of `similar`.
CONFIGS: Mapping[str, type[Config]] = {
    "run": RunConfig,
    "featurize": FeaturizeConfig,
    "fit": FitConfig,
    "project": ProjectConfig,
    "export": ExportConfig,
    "report": ReportConfig,
    "compact": CompactConfig,
    "sample": SampleConfig,
    "cluster": ClusterConfig,
    "similar": SimilarConfig,
    "classify": ClassifyConfig,
    "predict": PredictConfig,
}
# The flags of options that are paths or URIs of storage, by field name.
LOCATIONS: Mapping[str, str] = {
    option.name: option.flag
    for config in CONFIGS.values()
    for option in all_options(config).values()
    if option.option.location
}


def _require_at_most_one(values: Mapping[str, object]) -> None:
    names = [option for option, value in values.items() if value is not None]
    if len(names) > 1:
        raise InvalidValueError(
            f"{' and '.join(names)} are given", expected="one of them", fix=f"leave out {names[1]}"
        )


def _require_regular_expression(option: str, value: str | None) -> None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise InvalidValueError(
            f"{option} {value!r} cannot be read: {error}",
            expected="a regular expression",
            fix="write a backslash before a character that stands for itself",
        ) from error
