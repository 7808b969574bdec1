"""User errors print one line and end with the documented exit code, without a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from tests.support.names import host_without_subdomains


@pytest.fixture(scope="module")
def variety(sample_images: Path) -> Path:
    """Twenty images of one variety."""
    return sorted(sample_images.iterdir())[0]


@pytest.fixture(scope="module")
def images(s3: LocalS3Server, module_bucket: str, variety: Path) -> str:
    """Input path of twenty images in a bucket."""
    s3.upload_folder(variety, module_bucket, f"images/{variety.name}/")
    return f"s3a://{module_bucket}/images"


@pytest.fixture
def images_here(variety: Path, tmp_path: Path) -> Path:
    """A local folder of twenty images to change at will."""
    return shutil.copytree(variety, tmp_path / "images" / variety.name).parent


@pytest.fixture(scope="module")
def done(spark: object, variety: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local output with features and a fit."""
    output = tmp_path_factory.mktemp("done") / "output"
    assert main(["featurize", "--input", str(variety), "--output", str(output)]) == 0
    assert main(["fit", "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def rotated(done: Path, variety: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same output, featurized again with another fingerprint."""
    output = shutil.copytree(done, tmp_path_factory.mktemp("rotated") / "output")
    arguments = ["featurize", "--input", str(variety), "--output", str(output), "--exif-rotate"]
    assert main([*arguments, "--refeaturize"]) == 0
    assert main(arguments) == 0
    return output


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str], spark: object) -> Callable[..., str]:
    """Run the command line, check exit code and form of the message, return the message."""

    def run(exit_code: int, *arguments: str) -> str:
        capfd.readouterr()
        assert main(arguments) == exit_code
        error = capfd.readouterr().err
        assert "Traceback" not in error
        lines = [line for line in error.splitlines() if line.startswith("image-features: ")]
        assert len(lines) == 1
        assert "fix: " in lines[0]
        return lines[0]

    return run


Fails = Callable[..., str]


def test_missing_bucket(fails: Fails, bucket: str) -> None:
    message = fails(
        3, "run", "--input", "s3a://no-such-bucket-here/x", "--output", f"s3a://{bucket}/out"
    )
    assert "no-such-bucket-here" in message


def test_missing_output_bucket(fails: Fails, images: str) -> None:
    message = fails(3, "run", "--input", images, "--output", "s3a://no-such-bucket-here/out")
    assert "no-such-bucket-here" in message


def test_region_that_is_not_allowed(
    fails: Fails, s3: LocalS3Server, images: str, bucket: str
) -> None:
    paths = ["--input", images, "--output", f"s3a://{bucket}/out"]
    here = [f"--conf={key}={value}" for key, value in s3.spark_settings().items()]
    message = fails(2, "run", *paths, *here, "--allowed-regions", "eu-*")
    assert "is in us-east-1; expected one of the allowed regions, eu-*" in message
    assert "Contents" not in s3.client().list_objects_v2(Bucket=bucket)
    # In an allowed region the next error is reported.
    report = ["report", "--output", f"s3a://{bucket}/out", *here]
    assert "projection does not exist" in fails(3, *report, "--allowed-regions", "us-*")


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--input", "s3a://fruits/images", "--output", "s3a://fruits/out"],
        ["clean-names", "--input", "s3a://fruits/images"],
        ["cost", "s3a://fruits/logs"],
    ],
)
def test_endpoint_without_host_names_for_buckets(fails: Fails, command: list[str]) -> None:
    endpoint = f"http://{host_without_subdomains()}:9000"
    message = fails(2, *command, "--conf", f"spark.hadoop.fs.s3a.endpoint={endpoint}")
    assert "which DNS does not know" in message
    assert "fs.s3a.path.style.access" in message


def test_empty_input(fails: Fails, bucket: str) -> None:
    message = fails(
        3, "run", "--input", f"s3a://{bucket}/nothing", "--output", f"s3a://{bucket}/out"
    )
    assert "nothing" in message


def test_glob_that_matches_nothing(fails: Fails, images: str, bucket: str) -> None:
    message = fails(
        3, "run", "--input", images, "--glob", "**/*.tiff", "--output", f"s3a://{bucket}/out"
    )
    assert "**/*.tiff" in message


def test_no_image_in_the_folder(fails: Fails, s3: LocalS3Server, bucket: str) -> None:
    s3.client().put_object(Bucket=bucket, Key="texts/README.md", Body=b"no image")
    message = fails(3, "run", "--input", f"s3a://{bucket}/texts", "--output", f"s3a://{bucket}/out")
    assert "none of the 1 objects" in message


def test_local_input_that_does_not_exist(fails: Fails, tmp_path: Path) -> None:
    message = fails(
        3, "run", "--input", str(tmp_path / "missing"), "--output", str(tmp_path / "out")
    )
    assert "missing" in message


def test_output_that_cannot_be_written(fails: Fails, images: str, tmp_path: Path) -> None:
    occupied = tmp_path / "a-file"
    occupied.write_text("not a folder")
    message = fails(4, "run", "--input", images, "--output", str(occupied / "out"))
    assert "cannot be written" in message


def test_output_of_another_fingerprint(fails: Fails, variety: Path, done: Path) -> None:
    arguments = ["featurize", "--input", str(variety), "--output", str(done), "--exif-rotate"]
    message = fails(5, *arguments)
    assert "exif_rotate" in message
    assert "--refeaturize" in message


def test_unknown_backbone(fails: Fails, images: str, bucket: str) -> None:
    message = fails(
        2, "run", "--input", images, "--output", f"s3a://{bucket}/out", "--backbone", "resnet1"
    )
    assert "mobilenet_v2" in message


def test_damaged_weights_file(fails: Fails, images: str, bucket: str, tmp_path: Path) -> None:
    from job.resources import weights_folder

    whole = next(weights_folder().glob("*.h5")).read_bytes()
    damaged = tmp_path / "damaged.weights.h5"
    damaged.write_bytes(whole[: len(whole) // 2])
    message = fails(
        11, "run", "--input", images, "--output", f"s3a://{bucket}/out", "--weights", str(damaged)
    )
    assert "damaged.weights.h5" in message


@pytest.mark.parametrize("variance", ["0", "1.5", "-0.1"])
def test_variance_outside_its_range(fails: Fails, images: str, bucket: str, variance: str) -> None:
    message = fails(
        2, "run", "--input", images, "--output", f"s3a://{bucket}/out", "--variance", variance
    )
    assert "--variance" in message


def test_more_components_than_rows(fails: Fails, images: str, bucket: str) -> None:
    message = fails(
        2, "run", "--input", images, "--output", f"s3a://{bucket}/out", "--components", "20"
    )
    assert "--components" in message
    assert "20" in message


def test_too_many_bad_images_after_everything_is_written(
    fails: Fails, images_here: Path, tmp_path: Path
) -> None:
    (images_here / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    message = fails(6, "run", "--input", str(images_here), "--output", str(tmp_path / "out"))
    assert "1 of 21" in message
    assert (tmp_path / "out" / "final_features.csv").is_file()
    assert (tmp_path / "out" / "report" / "index.html").is_file()


def test_dropping_more_than_a_tenth(fails: Fails, images_here: Path, tmp_path: Path) -> None:
    arguments = ["featurize", "--input", str(images_here), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    for image in sorted(images_here.rglob("*.jpg"))[:5]:
        image.unlink()
    assert "5 of 20" in fails(9, *arguments)
    assert main([*arguments, "--allow-drop"]) == 0


def test_dropping_counts_only_rows_of_this_input(
    fails: Fails, images_here: Path, sample_images: Path, tmp_path: Path
) -> None:
    """Four of twenty images are less than a tenth of all rows, which have another input too."""
    output = ["--output", str(tmp_path / "out")]
    assert main(["featurize", "--input", str(images_here), *output]) == 0
    others = next(sample_images.iterdir())
    assert main(["featurize", "--input", str(others), *output]) == 0
    for image in sorted(images_here.rglob("*.jpg"))[:3]:
        image.unlink()
    assert "3 of 20 rows of this input" in fails(
        9, "featurize", "--input", str(images_here), *output
    )


def test_bundle_of_another_fingerprint(fails: Fails, done: Path, rotated: Path) -> None:
    message = fails(5, "project", "--bundle", f"{done}/pca", "--output", str(rotated))
    assert "exif_rotate" in message


def test_export_of_parquet_without_a_destination(fails: Fails, done: Path) -> None:
    assert "--destination" in fails(2, "export", "--output", str(done), "--format", "parquet")


@pytest.mark.parametrize("command", ["export", "report"])
def test_steps_without_a_projection(fails: Fails, tmp_path: Path, command: str) -> None:
    assert "projection" in fails(3, command, "--output", str(tmp_path / "nothing"))


def test_bundle_that_does_not_exist(fails: Fails, images: str, bucket: str) -> None:
    message = fails(
        5, "project", "--bundle", f"s3a://{bucket}/nowhere/pca", "--output", f"s3a://{bucket}/out"
    )
    assert "nowhere" in message


def test_fit_without_features(fails: Fails, bucket: str) -> None:
    assert "features" in fails(3, "fit", "--output", f"s3a://{bucket}/out")


@pytest.mark.parametrize("subcommand", ["fit", "compact", "export", "report"])
def test_a_missing_output_is_not_created(fails: Fails, tmp_path: Path, subcommand: str) -> None:
    nowhere = tmp_path / "nowhere"
    assert "nowhere" in fails(3, subcommand, "--output", str(nowhere))
    assert not nowhere.exists()


FEATURIZING = {
    "run": [],
    "featurize": [],
    "project": ["--bundle", "elsewhere/pca"],
    "predict": ["--model", "elsewhere/classifiers/forest"],
}
OTHERS = ["fit", "export", "report", "compact", "cluster", "classify", "similar"]


@pytest.mark.parametrize("command", FEATURIZING)
def test_output_inside_the_input(fails: Fails, images_here: Path, command: str) -> None:
    before = sorted(images_here.rglob("*"))
    (images_here.parent / "link").symlink_to(images_here)
    for output in (images_here, images_here / "out", images_here.parent / "link" / "out"):
        paths = ["--input", str(images_here), "--output", str(output)]
        message = fails(2, command, *paths, *FEATURIZING[command])
        assert "the next run would take this run's results for images" in message
    assert sorted(images_here.rglob("*")) == before


def test_input_inside_a_folder_of_results(fails: Fails, images_here: Path) -> None:
    images = images_here.rename(images_here.parent / "projection")
    before = sorted(images.rglob("*"))
    message = fails(2, "run", "--input", str(images), "--output", str(images.parent))
    assert "projection, which the program overwrites" in message
    assert sorted(images.parent.rglob("*")) == [images, *before]


@pytest.mark.parametrize("command", [*FEATURIZING, *OTHERS])
@pytest.mark.parametrize("name", ["out[1]", "out{a,b}", "out*"])
def test_output_that_spark_reads_as_a_glob(
    fails: Fails, variety: Path, tmp_path: Path, command: str, name: str
) -> None:
    featurizes = ["--input", str(variety), *FEATURIZING.get(command, ())]
    image = [str(next(variety.iterdir()))] if command == "similar" else []
    more = featurizes if command in FEATURIZING else image
    message = fails(2, command, *more, "--output", str(tmp_path / name))
    assert "Spark would read another path than it writes" in message
    assert list(tmp_path.iterdir()) == []


def test_outputs_to_compare_that_spark_reads_as_a_glob(fails: Fails, tmp_path: Path) -> None:
    assert "b[1] has" in fails(2, "compare", str(tmp_path / "a"), str(tmp_path / "b[1]"))


@pytest.mark.parametrize("names", [["projection"], ["features", "report"]])
def test_folder_with_other_files_under_names_of_results(
    fails: Fails, images_here: Path, tmp_path: Path, names: list[str]
) -> None:
    output = tmp_path / "mine"
    for name in names:
        (output / name).mkdir(parents=True)
        (output / name / "part-0.parquet").write_text("mine")
    before = sorted(output.rglob("*"))
    for command in ("run", "featurize"):
        message = fails(2, command, "--input", str(images_here), "--output", str(output))
        assert all(f"{output}/{name}" in message for name in names)
    assert sorted(output.rglob("*")) == before
    assert {path.read_text() for path in before if path.is_file()} == {"mine"}


def test_bucket_with_other_files_under_names_of_results(
    fails: Fails, s3: LocalS3Server, images_here: Path, bucket: str
) -> None:
    s3.client().put_object(Bucket=bucket, Key="projection/mine", Body=b"mine")
    command = ["run", "--input", str(images_here), "--output", f"s3a://{bucket}"]
    assert f"s3a://{bucket}/projection" in fails(2, *command)
    (stored,) = s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert stored["Key"] == "projection/mine"


def test_copy_of_the_report_over_other_files(
    fails: Fails, images_here: Path, done: Path, tmp_path: Path
) -> None:
    image = next(images_here.rglob("*.jpg"))
    data, results = image.read_bytes(), sorted(done.rglob("*"))
    run = ["run", "--input", str(images_here), "--output", str(tmp_path / "out")]
    report = ["report", "--output", str(done)]
    for copy, message in (
        (image, "is a file of something else"),
        (images_here, "is a folder"),
        (image / "report.html", "is a file"),
    ):
        for command in (run, report):
            assert message in fails(2, *command, "--report-copy", str(copy))
    assert "lies in the input" in fails(2, *run, "--report-copy", str(images_here / "new.html"))
    assert "lies in the output" in fails(2, *report, "--report-copy", str(done / "new.html"))
    assert "not on this machine" in fails(2, *report, "--report-copy", "s3a://bucket/new.html")
    page = ["compare", str(done), str(tmp_path), "--html"]
    assert "lies in the output" in fails(2, *page, str(done / "new.html"))
    assert "is a file of something else" in fails(2, *page, str(image))
    assert image.read_bytes() == data
    assert sorted(done.rglob("*")) == results
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("run_id", ["../../other", "a/b", "..", "day*", "a\\b"])
def test_run_id_that_names_a_path(fails: Fails, done: Path, run_id: str) -> None:
    before = sorted(done.parent.rglob("*"))
    assert "--run-id" in fails(2, "fit", "--output", str(done), "--run-id", run_id)
    assert sorted(done.parent.rglob("*")) == before


def test_wrong_credentials(s3: LocalS3Server, images: str, bucket: str) -> None:
    environment = {**s3.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"}
    command = [
        sys.executable,
        "-m",
        "job",
        "run",
        "--input",
        images,
        "--output",
        f"s3a://{bucket}/out",
    ]
    conf = [
        part for key, value in s3.spark_settings().items() for part in ("--conf", f"{key}={value}")
    ]
    ended = subprocess.run(
        [*command, *conf], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("image-features: ")


def test_no_java(tmp_path: Path, images: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"} | {
        "PATH": str(tmp_path)
    }
    assert shutil.which("java", path=str(tmp_path)) is None
    command = [
        sys.executable,
        "-m",
        "job",
        "run",
        "--input",
        images,
        "--output",
        str(tmp_path / "out"),
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Java 17" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--master", "foo", "the lines above"),
        ("--conf", "spark.driver.memory=5x", "the lines above"),
        ("--conf", "spark.serializer=org.example.Missing", "org.example.Missing"),
        ("--conf", "spark.sql.shuffle.partitions=-5", "must be positive"),
    ],
)
def test_a_session_that_does_not_start(
    images_here: Path, tmp_path: Path, option: str, value: str, reason: str
) -> None:
    command = [sys.executable, "-m", "job", "run", "--input", str(images_here)]
    command += ["--output", str(tmp_path / "out"), option, value]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("image-features: Spark did not start: ")
    assert reason in last
    assert not (tmp_path / "out").exists()
