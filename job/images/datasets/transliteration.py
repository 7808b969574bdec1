"""Letters of other alphabets in those of ASCII, one character at a time."""

from __future__ import annotations

import string
import unicodedata

# The portable filename character set of POSIX.1, 3.282.
PORTABLE = frozenset(string.ascii_letters + string.digits + "._-")

# What stands for nothing that can be kept.
GAP = " "

# Latin letters that Unicode does not take apart.
_LATIN = "ß=ss æ=ae œ=oe ø=o ł=l đ=d ð=d þ=th ħ=h ı=i ŋ=ng"
# Nearly as BGN/PCGN has it.
_CYRILLIC = (
    "а=a б=b в=v г=g ґ=g д=d ђ=dj е=e є=ye ж=zh з=z и=i і=i ї=yi й=y ј=j к=k л=l љ=lj м=m н=n њ=nj "
    "о=o п=p р=r с=s т=t ћ=c у=u ф=f х=kh ц=ts ч=ch џ=dz ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya"
)
# As it is spoken today.
_GREEK = (
    "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch "
    "ψ=ps ω=o"
)
_LETTERS = dict(pair.split("=") for pair in f"{_LATIN} {_CYRILLIC} {_GREEK}".split())


def transliterated(text: str) -> str:
    """`text` in characters of PORTABLE, and a GAP for each one that has no such likeness.

    Accents go. A letter or symbol of an alphabet without a table becomes its code point, `u8a9e`,
    so that names stay different.
    """
    return "".join(map(_of_character, unicodedata.normalize("NFC", text)))


def _of_character(character: str) -> str:
    known = _known(character)
    if known is not None:
        return known
    parts = [_known(part) for part in unicodedata.normalize("NFKD", character)]
    if None not in parts:
        return "".join(part for part in parts if part is not None)
    return f"u{ord(character):x}"


def _known(character: str) -> str | None:
    """What one character becomes; None for a letter or symbol of no table here."""
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
