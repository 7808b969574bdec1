"""What made a row of features; an output holds rows of one fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from job.errors import FingerprintMismatchError


@dataclass(frozen=True)
class Fingerprint:
    """Identity of the features (all but the last part) and their numeric class (f32, bf16).

    `input_size` is (height, width) in pixels, `decode_rules` a version.
    """

    backbone: str
    tensors_sha256: str
    input_size: tuple[int, int]
    resampling: str
    decode_rules: int
    exif_rotate: bool
    numeric_class: str = "f32"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; from_dict undoes it."""
        return {**asdict(self), "input_size": list(self.input_size)}

    @classmethod
    def from_dict(cls, recorded: Mapping[str, Any]) -> Fingerprint:
        """What to_dict gave; FingerprintMismatchError if parts are missing or unknown."""
        names = {field.name for field in fields(cls)}
        if set(recorded) != names:
            odd = ", ".join(sorted(set(recorded) ^ names))
            raise FingerprintMismatchError(
                f"the recorded fingerprint differs in its parts: {odd}",
                expected=", ".join(sorted(names)),
                fix="it is of another version of this program; --refeaturize rewrites all",
            )
        height, width = recorded["input_size"]
        return cls(**{**recorded, "input_size": (height, width)})

    def differences(self, other: Fingerprint) -> list[str]:
        """The parts that differ, each as "part: ours here, theirs there"."""
        ours, theirs = self.to_dict(), other.to_dict()
        return [
            f"{name}: {ours[name]} here, {theirs[name]} there"
            for name in ours
            if ours[name] != theirs[name]
        ]


def require_same(ours: Fingerprint, theirs: Fingerprint, output: str) -> None:
    """Raise FingerprintMismatchError if `output` holds features of another kind, theirs."""
    differences = ours.differences(theirs)
    if differences:
        raise FingerprintMismatchError(
            f"{output} holds features of another fingerprint ({'; '.join(differences)})",
            expected="the fingerprint that this run makes",
            fix="choose another --output, or --refeaturize rewrites all",
        )
