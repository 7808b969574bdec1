"""The options of a command come from its config, and their values reach the config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import click
import pytest

from job.cli import main
from job.cli.config_options import build
from job.cli.root import cli
from job.config import CONFIGS, LOCATIONS, FeaturizeConfig
from job.option import Config, OptionField, all_options, nested_configs, own_options

# Fields that are not options of a command.
OMITTED = {
    "run": {"file_format", "destination", "exported"},
    "fit": {"refit"},
    "sample": {"reader", "exif_rotate", "max_image_bytes", "max_image_pixels"},
}
# Options that are not fields of a config.
NEVER_A_FIELD = {"prices", "run_id", "conf", "master", "lease_seconds", "allowed_regions", "debug"}
OTHERS = {"similar": {"image_path", "json_output"}}
RENAMED = [
    ("run", "--claim-seconds", "--lease-seconds"),
    ("compact", "--claim-seconds", "--lease-seconds"),
    ("featurize", "--portion-images", "--batch-images"),
    ("cluster", "--starts", "--restarts"),
]
OPTIONS = [
    pytest.param(command, field, id=f"{command} {field.flag}")
    for command, config in CONFIGS.items()
    for field in all_options(config).values()
    if field.name not in OMITTED.get(command, ())
]


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*prefix, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))


def click_option(command: str, name: str) -> click.Option:
    (option,) = (option for option in cli.commands[command].params if option.name == name)
    assert isinstance(option, click.Option)
    return option


def parse(command: str, *words: str) -> dict[str, Any]:
    return cli.commands[command].make_context(command, list(words)).params


def another_value(field: OptionField) -> str:
    """A valid value that is not the default."""
    if field.option.choices:
        choices = field.option.choices
        return next(choice for choice in choices if choice not in (field.default or ()))
    if field.name == "local_copy":
        return "/tmp/report.html"
    if field.kind is str:
        return "s3a://bucket/other"
    return "0.625" if field.kind is float else "3"


def configs(config: Config) -> Iterator[Config]:
    """A config and its nested configs."""
    yield config
    for nested in nested_configs(type(config)):
        inner = getattr(config, nested.name)
        if inner is not None:
            yield from configs(inner)


def values(config: Config) -> dict[str, list[Any]]:
    """The values of each option by field name, of a config and of its nested configs."""
    by_name: dict[str, list[Any]] = {}
    for part in configs(config):
        for option in own_options(type(part)):
            by_name.setdefault(option.name, []).append(getattr(part, option.name))
    return by_name


def required_words(command: str, *omit: str) -> list[str]:
    """Arguments with the required options of a command, except those that `omit` names."""
    required = [field for field in all_options(CONFIGS[command]).values() if field.required]
    words = [
        f"{field.flag}=s3a://bucket/{field.name}" for field in required if field.name not in omit
    ]
    more = {"similar": ["image.jpg"], "sample": ["--classes=2"]}
    return words + (more.get(command, []) if "classes" not in omit else [])


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_flag_help_default_and_type_come_from_the_field(command: str, field: OptionField) -> None:
    option = click_option(command, field.name)
    assert option.opts == [field.flag]
    assert option.help == field.option.help
    assert option.help.endswith(".")
    assert option.required == field.required
    assert option.multiple == field.multiple
    assert option.is_flag == (field.kind is bool)
    if field.default is not None:
        assert option.get_default(click.Context(cli.commands[command])) == field.default
    if field.option.choices:
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) == field.option.choices
    else:
        expected = {bool: "boolean", int: "integer", float: "float", str: "text"}
        assert option.type.name == expected[field.kind]


@pytest.mark.parametrize("command", CONFIGS)
def test_all_other_options_of_a_command_are_known(command: str) -> None:
    names = {option.name for option in cli.commands[command].params if option.expose_value}
    of_config = set(all_options(CONFIGS[command])) - OMITTED.get(command, set())
    assert names - of_config <= NEVER_A_FIELD | OTHERS.get(command, set())


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_configs_that_share_an_option_declare_it_alike(config: type[Config]) -> None:
    def declared(kind: type[Config]) -> Iterator[OptionField]:
        yield from own_options(kind)
        for nested in nested_configs(kind):
            yield from declared(nested.kind)

    by_name: dict[str, set[str]] = {}
    for field in declared(config):
        by_name.setdefault(field.name, set()).add(repr(field))
    assert {name for name, texts in by_name.items() if len(texts) > 1} == set()


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_the_value_of_an_option_reaches_the_config(command: str, field: OptionField) -> None:
    value = [] if field.kind is bool else [another_value(field)]
    given = parse(command, *required_words(command, field.name), field.flag, *value)
    more = {"image_path": "s3a://bucket/image.jpg"}
    if field.name == "exported":
        more["file_format"] = "npy"
    if field.name == "file_format":
        more["destination"] = "s3a://bucket/elsewhere"
    if field.name in FEATURIZE_OPTIONS:
        # `project` and `predict` featurize only if they have an input.
        more.setdefault("input_path", given.get("input_path") or "s3a://bucket/other")
    config = build(CONFIGS[command], {**given, **more}, run_id="of-this-run")
    expected = True if field.kind is bool else given[field.name]
    assert set(values(config)[field.name]) == {expected}


@pytest.mark.parametrize("command", CONFIGS)
def test_a_missing_required_option_is_an_error(command: str) -> None:
    for field in all_options(CONFIGS[command]).values():
        if field.required:
            with pytest.raises(click.MissingParameter) as raised:
                parse(command, *required_words(command, field.name))
            assert raised.value.param is click_option(command, field.name)


@pytest.mark.parametrize("command", CONFIGS)
def test_omitted_options_have_the_defaults_of_the_config(command: str) -> None:
    given = parse(command, *required_words(command)) | {"image_path": "s3a://bucket/image.jpg"}
    config = build(CONFIGS[command], given, run_id="of-this-run")
    defaults = {
        field.name: field.default
        for field in all_options(CONFIGS[command]).values()
        if not field.required and field.name not in (*OMITTED.get(command, ()), "classes")
    }
    by_name = values(config)
    assert {name: by_name[name][0] for name in defaults if name in by_name} == {
        name: value for name, value in defaults.items() if name in by_name
    }


FEATURIZE_OPTIONS = set(all_options(FeaturizeConfig)) - {"output_path"}


def test_all_steps_of_a_run_share_output_and_run_id() -> None:
    given = parse("run", "--input", "s3://bucket/in/", "--output", "s3://bucket/out/")
    config = build(CONFIGS["run"], given, run_id="of-this-run")
    assert values(config)["output_path"] == ["s3a://bucket/out"] * 4
    assert values(config)["input_path"] == ["s3a://bucket/in"]
    ids = [
        part.run_id
        for part in configs(config)
        if "run_id" in {field.name for field in fields(part)}
    ]
    assert set(ids) == {"of-this-run"}


def test_without_input_nothing_is_featurized() -> None:
    paths = ["--bundle", "s3a://bucket/pca", "--output", "s3a://bucket/out"]
    assert build(CONFIGS["project"], parse("project", *paths)).featurize is None
    more = [*paths, "--input", "s3a://bucket/new"]
    assert build(CONFIGS["project"], parse("project", *more)).featurize is not None


@pytest.mark.parametrize("words", list(commands(cli)), ids=" ".join)
def test_each_command_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"Usage: image-features {' '.join(words)} ")
    assert not {old_flag for _, old_flag, _ in RENAMED} & set(output.split())


def test_help_shows_default_and_range(capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", "--help"])
    output = " ".join(capsys.readouterr().out.split())
    assert "[default: 0.9; above 0 and at most 1]" in output
    assert "Keep this many components; overrides --variance. [at least 1]" in output


@pytest.mark.parametrize(("command", "old_flag", "new_flag"), RENAMED)
def test_a_renamed_option_is_refused_with_its_new_name(
    command: str, old_flag: str, new_flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, old_flag, "5"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"image-features: {old_flag} was renamed; fix: use {new_flag}"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["fit", "--variance", "90"],
            "--variance is 90.0; expected above 0 and at most 1; fix: use 0.90 for 90 %",
        ),
        (
            ["cluster", "--clusters", "1"],
            "--clusters is 1; expected at least 2; fix: set --clusters to a number at least 2",
        ),
        (
            ["classify", "--folds", "3", "--test-glob", "**/Test/**"],
            "--test-glob and --folds are given; expected one of them; fix: leave out --folds",
        ),
    ],
)
def test_the_error_for_a_wrong_value_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--output", "s3a://bucket/out"]) == 2
    assert capsys.readouterr().err == f"image-features: {line}\n"


def test_locations_have_the_flags_of_their_options() -> None:
    assert LOCATIONS == {
        "input_path": "--input",
        "output_path": "--output",
        "bundle_path": "--bundle",
        "model_path": "--model",
        "destination": "--destination",
    }
