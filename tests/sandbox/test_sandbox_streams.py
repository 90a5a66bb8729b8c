"""Output that is bounded while it is read and harmless when it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.sandbox import sanitise
from honing.sandbox.streams import Capture


def captured(limit: int, *chunks: bytes) -> str:
    capture = Capture(limit)
    for chunk in chunks:
        capture.add(chunk)
    return capture.text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("äöü 漢字 😀", "äöü 漢字 😀"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07", ""),
        ("\x1b]0;never ended", ""),
        ("\x1bPq sixel\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x1b(B\x1b=\x1bc", ""),
        ("\x1b", ""),
        ("progress 10%\rprogress 20%", "progress 10%\nprogress 20%"),
        ("windows\r\nlines\r\r\n", "windows\nlines\n"),
        ("a\x00b\x07c\x08d\x7f", "a\\x00b\\x07c\\x08d\\x7f"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028separator", "line\\u2028separator"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\x1b\x1b[0m[31m", "[31m"),
    ],
)
def test_only_what_cannot_act_on_a_terminal_is_shown(text: str, expected: str) -> None:
    assert sanitise(text) == expected


@given(st.text(max_size=200) | st.text(alphabet="\x1b[]();0m\x07\\\r\n\x9ba", max_size=60))
def test_nothing_that_is_shown_is_a_control_character(text: str) -> None:
    shown = sanitise(text)

    assert not [c for c in shown if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert sanitise(shown) == shown


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert captured(100, b"a\xff\xfeb\xe4") == "a��b�"


def test_a_character_may_arrive_in_two_chunks() -> None:
    assert captured(100, "ä".encode()[:1], "ä".encode()[1:]) == "ä"


def test_the_first_and_the_last_half_are_kept() -> None:
    assert captured(10, b"0123456789") == "0123456789"
    assert captured(10, b"01234", b"567", b"89abcdef") == "01234\n[... 6 bytes left out ...]\nbcdef"
    assert captured(0, b"abc") == "\n[... 3 bytes left out ...]\n"


def test_a_character_cut_in_two_is_left_out_whole() -> None:
    assert captured(6, b"ab" + "äxxxxxäb".encode()) == "ab\n[... 6 bytes left out ...]\näb"[:2] + (
        "\n[... 6 bytes left out ...]\näb"
    )


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, 60))
def test_never_more_than_the_limit_is_held(chunks: list[bytes], limit: int) -> None:
    capture = Capture(limit)
    for chunk in chunks:
        capture.add(chunk)
        assert len(capture._head) + len(capture._tail) <= limit
    whole = b"".join(chunks)

    assert capture.total_bytes == len(whole)
    if len(whole) <= limit:
        assert capture.text() == sanitise(whole.decode("utf-8", "replace"))
    else:
        assert bytes(capture._head) == whole[: limit - limit // 2]
        assert bytes(capture._tail) == (whole[-(limit // 2) :] if limit // 2 else b"")


def test_a_long_line_of_escapes_is_read_in_linear_time() -> None:
    text = "\x1b]" * 300_000 + "\x1b[" * 300_000 + "\r" * 300_000

    assert sanitise(text) == "\n"
