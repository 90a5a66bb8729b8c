"""Foreign text: what is invisible becomes visible, what is markup stays text, what is long is bounded."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.view.text import bounded, escape, script_json, shortened, visible

ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_no_character_that_acts_instead_of_being_seen_comes_through() -> None:
    acting = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ACTING}

    came_through = {character for character in acting if character in visible(character)}

    assert came_through == {"\n", "\t"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b]8;;http://x\x07", "\\x1b[31mred\\x1b]8;;http://x\\x07"),
        ("a\r\nb\rc", "a\nb\\x0dc"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("pass\u200bword\ufeff", "pass\\u200bword\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("hidden\ufe01\U000e0101", "hidden\\ufe01\\U000e0101"),
        ("blank\u3164\u2800", "blank\\u3164\\u2800"),
        ("lone\udcff", "lone\\udcff"),
        (
            "caf\u00e9 \u05e9\u05dc\u05d5\u05dd \u4f60\u597d \u2764\ufe0f \U0001f600",
            "caf\u00e9 \u05e9\u05dc\u05d5\u05dd \u4f60\u597d \u2764\ufe0f \U0001f600",
        ),
    ],
    ids=[
        "terminal",
        "carriage return",
        "bidi",
        "zero width",
        "tags",
        "variation",
        "blank letters",
        "surrogate",
        "people",
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_markup_is_text() -> None:
    assert (
        escape("<a href='x' onclick=\"y\">&amp;")
        == "&lt;a href=&#x27;x&#x27; onclick=&quot;y&quot;&gt;&amp;amp;"
    )


@given(st.text())
def test_any_text_can_be_escaped_and_encoded(text: str) -> None:
    safe = escape(text)

    assert safe.encode("utf-8").decode("utf-8") == safe
    assert not set("<>\"'\x1b\u202e") & set(safe)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_json_in_a_script_element_reads_back_and_cannot_end_it(value: object) -> None:
    text = script_json(value)

    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcdefgh", 4, "abc\n[... 4 characters not shown ...]\nh"),
        (
            "x" * 2000 + "end",
            1000,
            "x" * 750 + "\n[... 1,003 characters not shown ...]\n" + "x" * 247 + "end",
        ),
    ],
    ids=["short enough", "cut", "both ends stay"],
)
def test_long_text_keeps_its_ends_and_says_what_is_missing(text: str, limit: int, shown: str) -> None:
    assert bounded(text, limit) == shown


def test_a_short_form_is_one_line() -> None:
    assert shortened("  one\n two\u202e three four", 16) == "one two\\u202e t\u2026"
