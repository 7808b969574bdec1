"""The fingerprint: what defines the features; all rows of an output have the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from job.errors import FingerprintMismatchError


@dataclass(frozen=True)
class Fingerprint:
    """The identity of the features.

    `input_size` is (height, width) in pixels, `decode_rules` a version. `numeric_class` is the
    precision: f32, and bf16 in outputs of earlier releases.
    """

    backbone: str
    tensors_sha256: str
    input_size: tuple[int, int]
    resampling: str
    decode_rules: int
    exif_rotate: bool
    numeric_class: str = "f32"

    def to_dict(self) -> dict[str, Any]:
        """JSON values; the inverse of `from_dict`."""
        return {**asdict(self), "input_size": list(self.input_size)}

    @classmethod
    def from_dict(cls, recorded: Mapping[str, Any]) -> Fingerprint:
        """The inverse of `to_dict`; FingerprintMismatchError if parts are missing or unknown."""
        names = {field.name for field in fields(cls)}
        if set(recorded) != names:
            differing = ", ".join(sorted(set(recorded) ^ names))
            raise FingerprintMismatchError(
                f"the recorded fingerprint differs in its parts: {differing}",
                expected=", ".join(sorted(names)),
                fix="another version of this program wrote it; --refeaturize rewrites all",
            )
        height, width = recorded["input_size"]
        return cls(**{**recorded, "input_size": (height, width)})

    def differences(self, other: Fingerprint) -> list[str]:
        """The parts that differ, as "part: ours here, theirs there"."""
        ours, theirs = self.to_dict(), other.to_dict()
        return [
            f"{name}: {ours[name]} here, {theirs[name]} there"
            for name in ours
            if ours[name] != theirs[name]
        ]


def require_same(ours: Fingerprint, theirs: Fingerprint, output: str) -> None:
    """Raise FingerprintMismatchError if `theirs`, the fingerprint of `output`, is not `ours`."""
    differences = ours.differences(theirs)
    if differences:
        raise FingerprintMismatchError(
            f"{output} holds features of another fingerprint ({'; '.join(differences)})",
            expected="the fingerprint that this run makes",
            fix="choose another --output, or --refeaturize rewrites all",
        )
