"""Transliterates other alphabets to ASCII, one character at a time."""

from __future__ import annotations

import string
import unicodedata

# The portable filename character set of POSIX.1, 3.282.
PORTABLE = frozenset(string.ascii_letters + string.digits + "._-")

# Replaces a character that has no portable form.
GAP = " "

# Latin letters that Unicode does not decompose.
_LATIN = "ß=ss æ=ae œ=oe ø=o ł=l đ=d ð=d þ=th ħ=h ı=i ŋ=ng"
# Close to BGN/PCGN.
_CYRILLIC = (
    "а=a б=b в=v г=g ґ=g д=d ђ=dj е=e є=ye ж=zh з=z и=i і=i ї=yi й=y ј=j к=k л=l љ=lj м=m н=n њ=nj "
    "о=o п=p р=r с=s т=t ћ=c у=u ф=f х=kh ц=ts ч=ch џ=dz ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya"
)
# By modern pronunciation.
_GREEK = (
    "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch "
    "ψ=ps ω=o"
)
_LETTERS = dict(pair.split("=") for pair in f"{_LATIN} {_CYRILLIC} {_GREEK}".split())


def transliterate(text: str) -> str:
    """`text` in characters of PORTABLE, with GAP for each character that has no portable form.

    Removes accents. A letter or symbol without a table becomes its code point, `u8a9e`, so that
    different names stay different.
    """
    return "".join(map(_transliterate_character, unicodedata.normalize("NFC", text)))


def _transliterate_character(character: str) -> str:
    portable = _lookup(character)
    if portable is not None:
        return portable
    parts = [_lookup(part) for part in unicodedata.normalize("NFKD", character)]
    if None not in parts:
        return "".join(part for part in parts if part is not None)
    return f"u{ord(character):x}"


def _lookup(character: str) -> str | None:
    """The portable form of a character; None for a letter or symbol without a table."""
    if character in PORTABLE:
        return character
    lower = character.lower()
    if lower in _LETTERS:
        plain = _LETTERS[lower]
        return plain if character == lower else plain.capitalize()
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or category.startswith("M"):
        return ""
    return None if category.startswith(("L", "N")) or category == "So" else GAP
