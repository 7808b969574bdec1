"""What classifiers see: labelled rows of features, or of components, each with its fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from job import schemas
from job.analysis.classification.result import SplitCounts
from job.analysis.classification.splits import GROUP, ONLY_TRAINS, assigned, has_groups
from job.config import SplitConfig
from job.errors import InvalidValueError
from job.reduction.pca import Fit
from job.reduction.projection import project
from job.runtime.formatting import percent_text
from job.runtime.retries import retried


@dataclass(frozen=True)
class LabelledSplit:
    """A split of the images with a label: `assignment` has path, label, GROUP and FOLD.

    `counts` are images by (label, fold), `unlabelled` those that were left out.
    """

    assignment: DataFrame
    counts: Mapping[tuple[str, int], int]
    unlabelled: int
    groups_in_both: int | None

    @property
    def folds(self) -> list[int]:
        """The folds that test, in order."""
        return sorted({fold for _, fold in self.counts if fold > ONLY_TRAINS})

    @property
    def tests(self) -> int:
        """Images that test in one fold or another."""
        return sum(images for (_, fold), images in self.counts.items() if fold > ONLY_TRAINS)

    def of_training(self, fold: int | None) -> dict[str, int]:
        """Images by label of what trains where `fold` tests; of all where it is None."""
        counts: dict[str, int] = {}
        for (label, its_fold), images in self.counts.items():
            if its_fold != fold:
                counts[label] = counts.get(label, 0) + images
        return counts

    def of_test(self, fold: int) -> dict[str, int]:
        """Images by label of the fold."""
        return {label: n for (label, its_fold), n in self.counts.items() if its_fold == fold}

    def described(self, split: SplitConfig) -> SplitCounts:
        """The counts that stand beside each score."""
        tested = {label for label, fold in self.counts if fold > ONLY_TRAINS}
        shared = {
            label
            for fold in self.folds
            for label in self.of_test(fold)
            if label in self.of_training(fold)
        }
        return SplitCounts(
            rule=rule_text(split),
            seed=split.seed,
            train_images=sum(self.counts.values()) - (0 if split.folds else self.tests),
            test_images=self.tests,
            unlabelled=self.unlabelled,
            classes_tested=len(tested),
            classes_in_both=len(shared),
            groups_in_both=self.groups_in_both,
        )


def assignment_of(features: DataFrame, split: SplitConfig) -> DataFrame:
    """path, label, GROUP and FOLD of the images of `features` (path, label) that have a label."""
    with_label = F.col(schemas.LABEL).isNotNull()
    return assigned(features.select(schemas.PATH, schemas.LABEL).where(with_label), split)


@retried
def labelled_split(assignment: DataFrame, images: int, split: SplitConfig) -> LabelledSplit:
    """The split that `assignment_of` has made of `images` images, with what is known of it.

    The driver holds counts of classes and folds. Raises InvalidValueError where there is nothing
    to train on, or nothing to test.
    """
    rows = assignment.groupBy(schemas.LABEL, schemas.FOLD).count().collect()
    counts = {(row[schemas.LABEL], row[schemas.FOLD]): row["count"] for row in rows}
    groups = _groups_in_both(assignment) if has_groups(split) else None
    found = LabelledSplit(assignment, counts, images - sum(counts.values()), groups)
    _require_classes(found, split)
    return found


def labelled_rows(features: DataFrame, split: LabelledSplit, fit: Fit | None) -> DataFrame:
    """LABELLED_SCHEMA of the images of `split`: features, or their components by `fit`."""
    rows = features.select(schemas.PATH, schemas.FEATURES)
    if fit is not None:
        rows = project(features, fit).select(
            schemas.PATH, F.col(schemas.PCA).alias(schemas.FEATURES)
        )
    joined = rows.join(split.assignment, schemas.PATH, how="inner")
    return joined.select(*schemas.LABELLED_SCHEMA.names)


def rule_text(split: SplitConfig) -> str:
    """How images were split, as a person would say it."""
    together = ""
    if split.group_level is not None:
        together = f", images of one folder {split.group_level} above kept together"
    if split.group_regex is not None:
        together = f", images with one match of {split.group_regex} kept together"
    if split.test_glob is not None:
        return f"tested on the images of {split.test_glob}"
    if split.folds is not None:
        return f"{split.folds} folds, each image tested once{together}"
    return f"tested on {percent_text(split.share, 0)} of each class{together}"


def _groups_in_both(assignment: DataFrame) -> int:
    """Groups of which some images test and others train for them."""
    torn = assignment.groupBy(GROUP).agg(F.count_distinct(schemas.FOLD).alias("parts"))
    return torn.where(F.col("parts") > 1).count()


def _require_classes(found: LabelledSplit, split: SplitConfig) -> None:
    if not found.counts:
        raise InvalidValueError(
            f"none of the {found.unlabelled:,} images has a label",
            expected="images in folders of their class",
            fix="featurize with a --label-level above 0",
        )
    if not found.tests:
        raise InvalidValueError(
            f"no image is left to test: {rule_text(split)}",
            expected="images to test with",
            fix="check --test-glob, as '**/Test/**', or raise --split",
        )
    for fold in found.folds:
        _require_training(found.of_training(fold), found.of_test(fold), split)


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
            f"no class that is tested is in training: {rule_text(split)}",
            expected="images of a class in training and in test",
            fix="choose groups smaller than a class",
        )
