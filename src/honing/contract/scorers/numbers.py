"""Numbers as people and models write them, read exactly.

A token is either understood completely or not at all: "1,2345" is not 12345 and not 1.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

MAX_DIGITS = 400
"""A longer number is not read."""

_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
_MINUS = "\u2212\u2012\u2013\u2014\ufe63\uff0d\u2010\u2011"
_SPACES = "\u00a0\u202f\u2009\u2007"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT = re.compile(r"⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "m": 6, "bn": 9}

_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|([0-9])\s*([0-9]))")
_WORDS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|rm|operatorname)\s*\{([^{}]*)\}")
_POWER = re.compile(r"(?:\\times|\\cdot|[\u00d7x*·])\s*10\s*(?:\^|\*\*)\s*\{?\s*([+-]?[0-9]{1,4})\s*\}?")
_BARE_POWER = re.compile(r"(?<![0-9.,])10\s*(?:\^|\*\*)\s*\{?\s*([+-]?[0-9]{1,4})\s*\}?")
_DEGREES = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_LATEX = {
    r"\$": "$", r"\%": "%", "{,}": ",", r"\!": "", r"\,": " ", r"\;": " ", r"\:": " ", r"\ ": " ", "~": " ",
    r"\left": "", r"\right": "", r"\(": " ", r"\)": " ", r"\[": " ", r"\]": " ", r"\pi": "π", r"\sqrt": "√",
    r"\approx": "≈", r"\cdot": "·", r"\times": "\u00d7",
}  # fmt: skip

_NUMBER = re.compile(
    r"""
    (?P<sign>[-+])?
    (?P<mixed>(?<![0-9.,])[0-9]+\s+(?=[0-9]+\s?/\s?[0-9]))?
    (?P<run>
        [0-9]{1,3}(?:[ ][0-9]{3})+(?![0-9]|[ ]?/)(?:[.,][0-9]+)*
      | [0-9](?:[0-9]|[.,_'](?=[0-9]))*
      | \.[0-9]+ )
    (?P<exponent>[eE][+-]?[0-9]{1,4}(?![0-9A-Za-z]))?
    (?:\s?/\s?(?P<below>[0-9](?:[0-9]|[.,](?=[0-9]))*))?
    (?P<scale>[ ]?(?:thousand|million|billion|trillion)\b|[kKM](?![A-Za-z0-9])|bn\b)?
    (?P<percent>\s?(?:%|percent\b|per\s+cent\b))?
    """,
    re.VERBOSE,
)
_EXPRESSION_LEFT = frozenset("^*√π_·\u00d7/\\")
_EXPRESSION_RIGHT = re.compile(r"\s?[\^√π]|[*·\u00d7](?=\S)|\s?\\[a-z]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text."""

    text: str
    start: int
    end: int
    """Position in the text that was searched."""
    readings: frozenset[Fraction]
    """The values it may stand for: "50%" is 50 and 1/2; "2 million" is 2000000 and, where the question states
    the unit, 2. Empty where it cannot be read."""
    percent: bool = False
    unit_power: bool = False
    """The 2 of "5 m^2": no number of its own."""


def clean(text: str) -> str:
    """The text with typographic and LaTeX forms of numbers rewritten plainly; nothing else is changed."""
    text = _SUPERSCRIPT.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), text)
    text = "".join(_plain_character(character) for character in text)
    for _ in range(3):  # A fraction may hold words, and words a fraction.
        text = _WORDS.sub(r" \1 ", text)
        text = _FRACTION.sub(_as_slash, text)
    text = _DEGREES.sub(" ", text)
    text = _POWER.sub(r"e\1", text)
    text = re.sub(r"(?<=[0-9])\s+(?=e[+-]?[0-9])", "", text)
    text = _BARE_POWER.sub(r"1e\1", text)
    for form, replacement in _LATEX.items():
        text = text.replace(form, replacement)
    return text


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _VULGAR:
        return " " + _VULGAR[character]
    if character in _MINUS:
        return "-"
    if character in _SPACES:
        return " "
    if character == "\u2044":
        return "/"
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    # Full-width punctuation only: other compatibility characters keep their meaning.
    return unicodedata.normalize("NFKC", character) if "\uff00" <= character <= "\uff5e" else character


def _as_slash(match: re.Match[str]) -> str:
    above, below = match.group(1) or match.group(3) or "", match.group(2) or match.group(4) or ""
    return f" {above.strip()}/{below.strip()}"


def numbers_in(text: str) -> list[Number]:
    """Every number of a cleaned text, in order; those that cannot be read have no readings."""
    return [_read(match, text) for match in _NUMBER.finditer(text)]


_NEGATIVE_AMOUNT = re.compile(r"(?:^|[\s(:=])-\s?[$€£¥₹]\s?$|[:=][ \t]*- $|^- $")
_UNIT_POWER = re.compile(r"[A-Za-z)]\s?\^\s?\{?\s?-?$")
_CURRENCY_CODE = re.compile(r"\b(?:USD|EUR|GBP|INR|Rs|US)$")
_LOOK_BACK = 8
"""Characters before a token that decide what it is; a fixed number keeps a long text linear."""


def _read(match: re.Match[str], text: str) -> Number:
    start = match.start()
    before = text[max(0, start - _LOOK_BACK) : start]
    # In "16-3" the hyphen is an operator; "-$5" and "$-5" are negative.
    negative = match["sign"] == "-" and not (before[-1:].isalnum() or before[-1:] in {")", "]"})
    negative = negative or (match["sign"] is None and bool(_NEGATIVE_AMOUNT.search(before)))
    value = None if _in_expression(match, before, text) else _value(match)
    readings: set[Fraction] = set()
    if value is not None:
        value = -value if negative else value
        readings.add(value)
        scale = (match["scale"] or "").strip().lower()
        if scale:
            readings.add(value * 10 ** _SCALES[scale])
        if match["percent"]:
            readings.add(value / 100)
    body = match.group().strip().lstrip("+-")
    return Number(
        text=f"-{body}" if negative else body,
        start=start,
        end=match.end(),
        readings=frozenset(readings),
        percent=bool(match["percent"]),
        unit_power=bool(_UNIT_POWER.search(before)),
    )


def _in_expression(match: re.Match[str], before: str, text: str) -> bool:
    """Whether the token is part of something larger ("2π", "x_2", "3^4", "a/2"), so not a number."""
    left = before[-1:]
    if left in _EXPRESSION_LEFT or re.search(r"[√^_]\s?\{$", before):
        return bool(left)
    if left.isalpha() and not _CURRENCY_CODE.search(before):
        return True
    return bool(_EXPRESSION_RIGHT.match(text, match.end()))


def _value(match: re.Match[str]) -> Fraction | None:
    value = _decimal(match["run"])
    if value is None:
        return None
    if match["exponent"]:
        exponent = int(match["exponent"][1:])
        if abs(exponent) > MAX_DIGITS:
            return None
        value *= Fraction(10) ** exponent
    if match["below"]:
        below = _decimal(match["below"])
        if not below:
            return None
        value /= below
    if match["mixed"]:
        whole = match["mixed"].strip()
        value = value + int(whole) if match["below"] and len(whole) <= MAX_DIGITS else None
    return value


_PLAIN = re.compile(r"[0-9]*(?:\.[0-9]+)?\Z")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([,_' ])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?\Z")
_INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?\Z")
_POINT_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+,[0-9]{1,2}|(?:\.[0-9]{3}){2,})\Z")
_SPACE_GROUPED_COMMA = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+,[0-9]+\Z")
_COMMA_DECIMAL = re.compile(r"[0-9]+,[0-9]{1,2}\Z|0,[0-9]+\Z")


def _decimal(run: str) -> Fraction | None:
    """The value of digits with separators; None where the separators fit no convention."""
    if len(run) > MAX_DIGITS:
        return None
    if _PLAIN.match(run):
        return Fraction(run)
    if _GROUPED.match(run) or _INDIAN.match(run):
        return Fraction(re.sub(r"[,_' ]", "", run))
    if _POINT_GROUPED.match(run) or _SPACE_GROUPED_COMMA.match(run) or _COMMA_DECIMAL.match(run):
        return Fraction(run.replace(".", "").replace(" ", "").replace(",", "."))
    return None


def show(value: Fraction) -> str:
    """A value in the shortest plain form: an integer, a finite decimal, or a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 30:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
