"""Makes click options from the fields of a config, and the config from the parsed options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Any

import click

from job import option
from job.cli.options import Command, option_group, renamed_option
from job.option import Config, ConfigType, OptionField
from job.paths import canonical_path


class ConfigOption(click.Option):
    """The option of a config's field; the config checks the range, and `--help` shows it."""

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

    `omit` names the fields that are not options of the command.
    """
    fields = [field for field in option.all_options(kind).values() if field.name not in omit]
    required = sorted((field for field in fields if field.required), key=lambda field: field.flag)
    optional = [field for field in fields if not field.required]
    return option_group(*chain.from_iterable(map(_click_options, required + optional)))


def build(kind: type[ConfigType], options: Mapping[str, Any], **more: Any) -> ConfigType:
    """The config for the options of a command and for `more` values that are not options.

    Locations become canonical paths. Raises InvalidValueError.
    """
    values = {**options, **more}
    for field in option.all_options(kind).values():
        if field.option.location and values.get(field.name) is not None:
            values[field.name] = canonical_path(values[field.name])
    return option.build(kind, values)


def _click_options(field: OptionField) -> list[Callable[[Command], Command]]:
    renamed_from = field.option.renamed_from
    renamed = [renamed_option(renamed_from, field.flag)] if renamed_from else []
    return [_click_option(field), *renamed]


def _click_option(field: OptionField) -> Callable[[Command], Command]:
    attributes: dict[str, Any] = (
        {"is_flag": True} if field.kind is bool else _value_attributes(field)
    )
    return click.option(
        field.flag,
        field.name,
        cls=ConfigOption,
        field=field,
        help=field.option.help,
        required=field.required,
        **attributes,
    )


def _value_attributes(field: OptionField) -> dict[str, Any]:
    """The click attributes of an option that takes a value."""
    choices = field.option.choices
    # click takes None for a default value, and a required option would never be missing.
    default = {} if field.default is None else {"default": field.default}
    return {
        "type": click.Choice(choices) if choices else field.kind,
        "multiple": field.multiple,
        **default,
        "show_default": field.option.default_text or field.default is not None,
        "metavar": field.option.metavar,
    }
