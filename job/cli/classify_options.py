"""The options of `image-features classify`."""

from __future__ import annotations

import click

from job.cli.options import together
from job.config import CLASS_WEIGHTS, CLASSIFIED, CLASSIFIERS, ClassifyConfig, SplitConfig

split_options = together(
    click.option(
        "--split",
        "share",
        default=SplitConfig.share,
        show_default=True,
        metavar="SHARE",
        help="Test on this share of each class.",
    ),
    click.option(
        "--test-glob",
        metavar="GLOB",
        help="Test on the images whose path in the bucket matches instead, as '**/Test/**'.",
    ),
    click.option(
        "--folds", type=int, metavar="K", help="Test on each image once instead, in K folds."
    ),
    click.option(
        "--group-level",
        type=int,
        metavar="N",
        help="Keep images together whose folder N levels up is the same.",
    ),
    click.option(
        "--group-regex",
        metavar="REGEX",
        help="Keep images together in whose path this matches the same text.",
    ),
    click.option(
        "--seed", default=SplitConfig.seed, show_default=True, help="Another one splits otherwise."
    ),
)
classifier_options = together(
    click.option(
        "--on",
        type=click.Choice(CLASSIFIED),
        default=ClassifyConfig.on,
        show_default=True,
        help="What is classified; both: is the variance that PCA keeps enough?",
    ),
    click.option(
        "--classifier",
        "classifiers",
        type=click.Choice(CLASSIFIERS),
        multiple=True,
        default=ClassifyConfig.classifiers,
        show_default=True,
        help="May be repeated; xgboost is an extra.",
    ),
    click.option(
        "--class-weight",
        type=click.Choice(CLASS_WEIGHTS),
        default=ClassifyConfig.class_weight,
        show_default=True,
        help="balanced: an image weighs more, the fewer its class has.",
    ),
    click.option(
        "--duplicate-cosine",
        default=ClassifyConfig.duplicate_cosine,
        show_default=True,
        help="Count a test image as near-duplicate from this cosine to a training image on.",
    ),
)
