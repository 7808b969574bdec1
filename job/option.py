"""Options as annotations of config fields: help, range, choices, and their checks.

A config declares an option once:

    count: Annotated[int, Option("Number of images to find.", within=Range(1, 10_000))] = 10

The command line makes its options from these fields, a config checks its values with them, and
`lint` checks arguments before a job starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from job.errors import InvalidValueError
from job.path_rules import require_plain


@dataclass(frozen=True)
class Range:
    """A range of valid numbers; `above` and `below` are exclusive bounds."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        # NaN is in no range.
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:,} to {self.maximum:,}"
        bounds = {
            "at least": self.minimum,
            "above": self.above,
            "at most": self.maximum,
            "below": self.below,
        }
        return " and ".join(
            f"{word} {bound:,}" for word, bound in bounds.items() if bound is not None
        )


@dataclass(frozen=True)
class Option:
    """The properties of an option that the type and default of its field do not give.

    `flag` None means `--` and the field's name. `default_text` describes a default of None. A
    `location` is a path or URI of storage; a `plain` path has no characters that Spark takes for a
    pattern. `fix` is the advice for a value out of range. `renamed_from` is the flag of earlier
    releases, which is refused with the new name.
    """

    help: str
    flag: str | None = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    within: Range | None = None
    default_text: str = ""
    location: bool = False
    plain: bool = False
    fix: str = ""
    renamed_from: str = ""


@dataclass(frozen=True)
class GivenBy:
    """Makes an optional nested config if option `name` is given; `help` describes the option."""

    name: str
    help: str


@dataclass(frozen=True)
class OptionField:
    """A config field that is an option; `kind` is the type of one value."""

    name: str
    kind: type[Any]
    option: Option
    default: Any = None
    required: bool = False
    multiple: bool = False

    @property
    def flag(self) -> str:
        return self.option.flag or f"--{self.name.replace('_', '-')}"

    def errors(self, value: Any) -> Iterator[InvalidValueError]:
        """The errors in the value or values of the option; None means no value."""
        values = value if self.multiple else (value,)
        for single in values:
            if single is not None:
                yield from self._errors_of_one(single)

    def _errors_of_one(self, value: Any) -> Iterator[InvalidValueError]:
        choices, within, fix = self.option.choices, self.option.within, self.option.fix
        if choices and value not in choices:
            yield InvalidValueError(
                f"{self.flag} is {value!r}",
                expected=" | ".join(choices),
                fix=fix or f"set {self.flag} to one of them",
            )
        if self.option.plain:
            try:
                require_plain(self.flag, value)
            except InvalidValueError as error:
                yield error
        if within is not None and value not in within:
            yield InvalidValueError(
                f"{self.flag} is {value}",
                expected=str(within),
                fix=fix or f"set {self.flag} to a number {within}",
            )


@dataclass(frozen=True)
class NestedConfig:
    """A config field that is a config; with `given_by` it may be None."""

    name: str
    kind: type[Config]
    given_by: GivenBy | None = None

    def is_given(self, values: Mapping[str, Any]) -> bool:
        """Whether the values include this config."""
        return self.given_by is None or values.get(self.given_by.name) is not None


@dataclass(frozen=True)
class Config:
    """A frozen dataclass that checks its options when it is created."""

    def __post_init__(self) -> None:
        """Raise InvalidValueError for the first wrong value."""
        for option in own_options(type(self)):
            for error in option.errors(getattr(self, option.name)):
                raise error


ConfigType = TypeVar("ConfigType", bound=Config)


def own_options(kind: type[Config]) -> list[OptionField]:
    """The options of a config, without the options of nested configs."""
    return [member for member in _members(kind) if isinstance(member, OptionField)]


def nested_configs(kind: type[Config]) -> list[NestedConfig]:
    """The nested configs of a config."""
    return [member for member in _members(kind) if isinstance(member, NestedConfig)]


def all_options(kind: type[Config]) -> dict[str, OptionField]:
    """The options of a config and of its nested configs by field name, in the order of fields."""
    options: dict[str, OptionField] = {}
    for member in _members(kind):
        if isinstance(member, OptionField):
            member_options = {member.name: member}
        else:
            member_options = _options_of_nested(member)
        for name, option in member_options.items():
            options.setdefault(name, option)
    return options


def _options_of_nested(nested: NestedConfig) -> dict[str, OptionField]:
    options = all_options(nested.kind)
    if nested.given_by is not None:
        name = nested.given_by.name
        described = replace(options[name].option, help=nested.given_by.help)
        options[name] = replace(options[name], required=False, option=described)
    return options


def build(kind: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """Build a config, with its nested configs, from values by field name.

    A field without a value, or with None, keeps its default. Raises InvalidValueError.
    """
    arguments = {
        nested.name: build(nested.kind, values)
        for nested in nested_configs(kind)
        if nested.is_given(values)
    }
    for field in fields(kind):
        if values.get(field.name) is not None:
            arguments.setdefault(field.name, values[field.name])
    return kind(**arguments)


def problems(kind: type[Config], values: Mapping[str, Any]) -> list[InvalidValueError]:
    """All errors in the values of a config and of its nested configs."""
    errors = [
        error
        for nested in nested_configs(kind)
        if nested.is_given(values)
        for error in problems(nested.kind, values)
    ]
    for option in own_options(kind):
        errors += option.errors(values.get(option.name))
    if not errors:
        # Each value is valid; their combination is checked by the config itself.
        try:
            build(kind, values)
        except InvalidValueError as error:
            errors.append(error)
    # Nested configs share options, such as the output path.
    return list({str(error): error for error in errors}.values())


# To evaluate the type hints of a class takes a millisecond. functools.cache does not pass mypy,
# which takes a dataclass for unhashable.
_MEMBERS: dict[type[Config], list[OptionField | NestedConfig]] = {}


def _members(kind: type[Config]) -> list[OptionField | NestedConfig]:
    """The options and nested configs of a config, in the order of its fields."""
    if kind not in _MEMBERS:
        hints = get_type_hints(kind, include_extras=True)
        members = [_member(field, hints[field.name]) for field in fields(kind)]
        _MEMBERS[kind] = [member for member in members if member is not None]
    return _MEMBERS[kind]


def _member(field: Field[Any], hint: Any) -> OptionField | NestedConfig | None:
    """The option or nested config of a field; None if its value does not come from options."""
    metadata = next(iter(getattr(hint, "__metadata__", ())), None)
    kind = _without_none(getattr(hint, "__origin__", hint) if metadata else hint)
    if isinstance(metadata, Option):
        return _option_field(field, kind, metadata)
    if isinstance(kind, type) and issubclass(kind, Config):
        return NestedConfig(field.name, kind, metadata)
    return None


def _option_field(field: Field[Any], kind: Any, option: Option) -> OptionField:
    multiple = get_origin(kind) is tuple
    return OptionField(
        field.name,
        get_args(kind)[0] if multiple else kind,
        option,
        default=None if field.default is MISSING else field.default,
        required=field.default is MISSING and field.default_factory is MISSING,
        multiple=multiple,
    )


def _without_none(hint: Any) -> Any:
    """T of an optional type `T | None`; other types unchanged."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if NoneType in get_args(hint) else hint
