"""Options of click from the fields of a config, and the config from the options that are parsed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

from job import option
from job.cli.options import Command, option_group, renamed_option
from job.option import Config, ConfigType, OptionField
from job.paths import canonical_path


class ConfigOption(click.Option):
    """The option of a config's field; the config checks its range, `--help` shows it."""

    def __init__(self, *args: Any, field: OptionField, **attributes: Any) -> None:
        self.field = field
        super().__init__(*args, **attributes)

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:
        extra = super().get_help_extra(ctx)
        if self.field.option.within is not None:
            extra["range"] = str(self.field.option.within)
        return extra


def config_options(kind: type[Config], omit: Collection[str] = ()) -> Callable[[Command], Command]:
    """The options of a config and of its nested configs, required ones first.

    `omit` names the fields whose value a command does not take from its options.
    """
    fields = [each for each in option.all_options(kind).values() if each.name not in omit]
    required = sorted((each for each in fields if each.required), key=lambda each: each.flag)
    others = [each for each in fields if not each.required]
    return option_group(*(made for each in required + others for made in _click_options(each)))


def build(kind: type[ConfigType], options: Mapping[str, Any], **given: Any) -> ConfigType:
    """The config of a command's options and of values that are no options.

    Locations get their canonical spelling. Raises InvalidValueError.
    """
    values = {**options, **given}
    for field in option.all_options(kind).values():
        if field.option.location and values.get(field.name) is not None:
            values[field.name] = canonical_path(values[field.name])
    return option.build(kind, values)


def _click_options(field: OptionField) -> list[Callable[[Command], Command]]:
    renamed_from = field.option.renamed_from
    renamed = [renamed_option(renamed_from, field.flag)] if renamed_from else []
    return [_click_option(field), *renamed]


def _click_option(field: OptionField) -> Callable[[Command], Command]:
    attributes: dict[str, Any] = {"is_flag": True} if field.kind is bool else _value(field)
    return click.option(
        field.flag,
        field.name,
        cls=ConfigOption,
        field=field,
        help=field.option.help,
        required=field.required,
        **attributes,
    )


def _value(field: OptionField) -> dict[str, Any]:
    """What click knows of an option with a value."""
    choices = field.option.choices
    # To click, a default of None is a value: the option would never be missing.
    default = {} if field.default is None else {"default": field.default}
    return {
        "type": click.Choice(choices) if choices else field.kind,
        "multiple": field.multiple,
        **default,
        "show_default": field.option.default_text or field.default is not None,
        "metavar": field.option.metavar,
    }
