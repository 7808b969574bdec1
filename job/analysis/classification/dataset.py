"""The classifiers' input: labelled rows of features or components, each with its fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.result import SplitCounts
from job.analysis.classification.splits import GROUP, TRAIN_ONLY, assign_folds, has_groups
from job.config import SplitConfig
from job.errors import InvalidValueError
from job.reduction.pca import Fit
from job.reduction.projection import project
from job.runtime.formatting import percent_text
from job.runtime.retries import retried


@dataclass(frozen=True)
class LabelledSplit:
    """A split of the labelled images; `assignment` has path, label, GROUP and FOLD.

    `counts` has the images by (label, fold), `unlabelled` the number of omitted images.
    """

    assignment: DataFrame
    counts: Mapping[tuple[str, int], int]
    unlabelled: int
    groups_in_both: int | None

    @property
    def folds(self) -> list[int]:
        """The test folds, in order."""
        return sorted({fold for _, fold in self.counts if fold > TRAIN_ONLY})

    @property
    def test_images(self) -> int:
        """The number of images in test folds."""
        return sum(images for (_, fold), images in self.counts.items() if fold > TRAIN_ONLY)

    def training_counts(self, fold: int | None) -> dict[str, int]:
        """Training images by label if `fold` is the test fold; all images if it is None."""
        counts: dict[str, int] = {}
        for (label, other), images in self.counts.items():
            if other != fold:
                counts[label] = counts.get(label, 0) + images
        return counts

    def test_counts(self, fold: int) -> dict[str, int]:
        """Images by label in `fold`."""
        return {label: images for (label, other), images in self.counts.items() if other == fold}

    def to_counts(self, split: SplitConfig) -> SplitCounts:
        """The counts that accompany each score."""
        tested = {label for label, fold in self.counts if fold > TRAIN_ONLY}
        shared = {
            label
            for fold in self.folds
            for label in self.test_counts(fold)
            if label in self.training_counts(fold)
        }
        return SplitCounts(
            rule=rule_text(split),
            seed=split.seed,
            train_images=sum(self.counts.values()) - (0 if split.folds else self.test_images),
            test_images=self.test_images,
            unlabelled=self.unlabelled,
            classes_tested=len(tested),
            classes_in_both=len(shared),
            groups_in_both=self.groups_in_both,
        )


def assign_labelled(features: DataFrame, split: SplitConfig) -> DataFrame:
    """path, label, GROUP and FOLD of the labelled images of `features` (path, label)."""
    has_label = F.col(schemas.LABEL).isNotNull()
    return assign_folds(features.select(schemas.PATH, schemas.LABEL).where(has_label), split)


@retried
def count_split(assignment: DataFrame, images: int, split: SplitConfig) -> LabelledSplit:
    """Count the images of an `assign_labelled` result; `images` includes unlabelled ones.

    The driver holds counts of classes and folds. Raises InvalidValueError if there are no training
    or no test images.
    """
    rows = assignment.groupBy(schemas.LABEL, schemas.FOLD).count().collect()
    counts = {(row[schemas.LABEL], row[schemas.FOLD]): row["count"] for row in rows}
    groups = _groups_in_both(assignment) if has_groups(split) else None
    labelled = LabelledSplit(assignment, counts, images - sum(counts.values()), groups)
    _require_classes(labelled, split)
    return labelled


def labelled_rows(features: DataFrame, split: LabelledSplit, fit: Fit | None) -> DataFrame:
    """The images of `split` as LABELLED_SCHEMA: features, or with `fit` their components."""
    rows = features.select(schemas.PATH, schemas.FEATURES)
    if fit is not None:
        rows = project(features, fit).select(
            schemas.PATH, F.col(schemas.PCA).alias(schemas.FEATURES)
        )
    labelled = rows.join(split.assignment, schemas.PATH, how="inner")
    return labelled.select(*schemas.LABELLED_SCHEMA.names)


def rule_text(split: SplitConfig) -> str:
    """The rule of a split as a text."""
    grouping = ""
    if split.group_level is not None:
        grouping = f", images of one folder {split.group_level} above kept together"
    if split.group_regex is not None:
        grouping = f", images with one match of {split.group_regex} kept together"
    if split.test_glob is not None:
        return f"tested on the images of {split.test_glob}"
    if split.folds is not None:
        return f"{split.folds} folds, each image tested once{grouping}"
    return f"tested on {percent_text(split.share, 0)} of each class{grouping}"


def _groups_in_both(assignment: DataFrame) -> int:
    """The number of groups with both test and training images."""
    groups = assignment.groupBy(GROUP).agg(F.count_distinct(schemas.FOLD).alias("folds"))
    return groups.where(F.col("folds") > 1).count()


def _require_classes(labelled: LabelledSplit, split: SplitConfig) -> None:
    if not labelled.counts:
        raise InvalidValueError(
            f"none of the {labelled.unlabelled:,} images has a label",
            expected="images in folders of their class",
            fix="featurize with a --label-level above 0",
        )
    if not labelled.test_images:
        raise InvalidValueError(
            f"no image is left to test: {rule_text(split)}",
            expected="images to test with",
            fix="check --test-glob, as '**/Test/**', or raise --split",
        )
    for fold in labelled.folds:
        _require_training(labelled.training_counts(fold), labelled.test_counts(fold), split)


def _require_training(
    training: Mapping[str, int], test: Mapping[str, int], split: SplitConfig
) -> None:
    if len(training) < 2:
        raise InvalidValueError(
            f"training has {len(training)} classes: {rule_text(split)}",
            expected="at least 2",
            fix="check --test-glob and the groups, or lower --split",
        )
    if not training.keys() & test.keys():
        raise InvalidValueError(
            f"training has none of the test classes: {rule_text(split)}",
            expected="images of a class in training and in test",
            fix="choose groups smaller than a class",
        )
