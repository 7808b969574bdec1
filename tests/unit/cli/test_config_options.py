"""The options of a command are those of its config; their values reach the config."""

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

# Fields that a command has another value for than an option's.
OMITTED = {
    "run": {"file_format", "destination", "exported"},
    "fit": {"refit"},
    "sample": {"reader", "exif_rotate", "max_image_bytes", "max_image_pixels"},
}
# Of every command that writes to an output.
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
    (found,) = (each for each in cli.commands[command].params if each.name == name)
    assert isinstance(found, click.Option)
    return found


def parsed(command: str, *words: str) -> dict[str, Any]:
    return cli.commands[command].make_context(command, list(words)).params


def another_value(field: OptionField) -> str:
    """A valid value that is not the default."""
    if field.option.choices:
        return next(each for each in field.option.choices if each not in (field.default or ()))
    if field.name == "local_copy":
        return "/tmp/report.html"
    if field.kind is str:
        return "s3a://bucket/other"
    return "0.625" if field.kind is float else "3"


def configs(config: Config) -> Iterator[Config]:
    """A config and those that it is made of."""
    yield config
    for nested in nested_configs(type(config)):
        inner = getattr(config, nested.name)
        if inner is not None:
            yield from configs(inner)


def values(config: Config) -> dict[str, list[Any]]:
    """The values of each option by field name, of a config and of those that it is made of."""
    found: dict[str, list[Any]] = {}
    for each in configs(config):
        for option in own_options(type(each)):
            found.setdefault(option.name, []).append(getattr(each, option.name))
    return found


def words_of(command: str, *but: str) -> list[str]:
    """The required options of a command."""
    required = [each for each in all_options(CONFIGS[command]).values() if each.required]
    words = [f"{each.flag}=s3a://bucket/{each.name}" for each in required if each.name not in but]
    more = {"similar": ["image.jpg"], "sample": ["--classes=2"]}
    return words + (more.get(command, []) if "classes" not in but else [])


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_flag_help_default_and_type_are_those_of_the_field(
    command: str, field: OptionField
) -> None:
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
def test_a_command_declares_no_option_of_a_config_beside_it(command: str) -> None:
    shown = {each.name for each in cli.commands[command].params if each.expose_value}
    of_config = set(all_options(CONFIGS[command])) - OMITTED.get(command, set())
    assert shown - of_config <= NEVER_A_FIELD | OTHERS.get(command, set())


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_an_option_of_several_configs_is_declared_alike_in_all(config: type[Config]) -> None:
    def declared(kind: type[Config]) -> Iterator[OptionField]:
        yield from own_options(kind)
        for nested in nested_configs(kind):
            yield from declared(nested.kind)

    by_name: dict[str, set[str]] = {}
    for field in declared(config):
        by_name.setdefault(field.name, set()).add(repr(field))
    assert {name for name, found in by_name.items() if len(found) > 1} == set()


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_the_value_of_an_option_reaches_the_config(command: str, field: OptionField) -> None:
    value = [] if field.kind is bool else [another_value(field)]
    given = parsed(command, *words_of(command, field.name), field.flag, *value)
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
def test_required_options_are_missed(command: str) -> None:
    for field in all_options(CONFIGS[command]).values():
        if field.required:
            with pytest.raises(click.MissingParameter) as raised:
                parsed(command, *words_of(command, field.name))
            assert raised.value.param is click_option(command, field.name)


@pytest.mark.parametrize("command", CONFIGS)
def test_options_left_out_are_the_defaults_of_the_config(command: str) -> None:
    given = parsed(command, *words_of(command)) | {"image_path": "s3a://bucket/image.jpg"}
    config = build(CONFIGS[command], given, run_id="of-this-run")
    defaults = {
        each.name: each.default
        for each in all_options(CONFIGS[command]).values()
        if not each.required and each.name not in (*OMITTED.get(command, ()), "classes")
    }
    found = values(config)
    assert {name: found[name][0] for name in defaults if name in found} == {
        name: value for name, value in defaults.items() if name in found
    }


FEATURIZE_OPTIONS = set(all_options(FeaturizeConfig)) - {"output_path"}


def test_all_steps_of_a_run_have_its_output_and_its_id() -> None:
    given = parsed("run", "--input", "s3://bucket/in/", "--output", "s3://bucket/out/")
    config = build(CONFIGS["run"], given, run_id="of-this-run")
    assert values(config)["output_path"] == ["s3a://bucket/out"] * 4
    assert values(config)["input_path"] == ["s3a://bucket/in"]
    ids = [
        each.run_id
        for each in configs(config)
        if "run_id" in {field.name for field in fields(each)}
    ]
    assert set(ids) == {"of-this-run"}


def test_without_an_input_nothing_is_featurized() -> None:
    paths = ["--bundle", "s3a://bucket/pca", "--output", "s3a://bucket/out"]
    assert build(CONFIGS["project"], parsed("project", *paths)).featurize is None
    more = [*paths, "--input", "s3a://bucket/new"]
    assert build(CONFIGS["project"], parsed("project", *more)).featurize is not None


@pytest.mark.parametrize("words", list(commands(cli)), ids=" ".join)
def test_each_command_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: image-features {' '.join(words)} ")
    assert not {former for _, former, _ in RENAMED} & set(shown.split())


def test_help_shows_default_and_range(capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "[default: 0.9; above 0 and at most 1]" in shown
    assert "Keep this many components; overrides --variance. [at least 1]" in shown


@pytest.mark.parametrize(("command", "former", "present"), RENAMED)
def test_a_renamed_option_is_refused_with_its_new_name(
    command: str, former: str, present: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, former, "5"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"image-features: {former} was renamed; fix: use {present}"


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
def test_a_wrong_value_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--output", "s3a://bucket/out"]) == 2
    assert capsys.readouterr().err == f"image-features: {line}\n"


def test_every_location_has_its_flag() -> None:
    assert LOCATIONS == {
        "input_path": "--input",
        "output_path": "--output",
        "bundle_path": "--bundle",
        "model_path": "--model",
        "destination": "--destination",
    }
