"""The page as a file: self-contained, inert whatever it holds, the same bytes for the same report."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.store import (
    Badge,
    CellKind,
    Column,
    Headline,
    Report,
    SampleRow,
    Samples,
    Section,
    Tone,
)
from honing.view import render
from honing.view.samples import samples_html
from hostile_runs import HOSTILE, every_block

DRAWN = ("title", "text", "line", "rect")
"""Elements of a drawing whose number follows the lengths of its labels."""
VOID = {"meta", "link", "input", "br", "img"}


class Parsed(HTMLParser):
    """Elements, attributes and text of a page, as a browser's parser would take them apart."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def inside(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(text: str) -> None:
    tame, hostile = Parsed(render(every_block("tame"))), Parsed(render(every_block(text)))

    # Long words change the layout: how a drawing's texts are anchored, which labels get a tool tip.
    pages = [page.elements for page in (tame, hostile)]
    counts = [Counter(name for name, _ in found if name not in DRAWN) for found in pages]
    attributes = [{key for _, given in found for key in given} for found in pages]
    assert counts[1] == counts[0]
    assert attributes[1] <= attributes[0]
    assert hostile.open == []


@settings(max_examples=25, deadline=None)
@given(st.text(st.sampled_from("<>\"'&/=` \n!-scriptSCRIPT\x00\u202e{}"), max_size=40))
def test_any_text_leaves_the_page_well_formed(text: str) -> None:
    page = Parsed(render(every_block(text)))

    assert page.open == []
    assert len(page.of("script")) == 2


def test_the_page_fetches_nothing() -> None:
    page = Parsed(render(every_block("words")))

    linked = [
        value
        for _, found in page.elements
        for key, value in found.items()
        if key in ("src", "href", "srcset")
    ]
    assert [link for link in linked if link and not link.startswith("#")] == ["data:,"]
    style = page.inside("style")
    assert not re.search(r"@import|url\(|https?:", "".join(style))
    assert not re.search(
        r"fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon|innerHTML|eval\(", page.inside("script")[0]
    )
    assert not re.search(r"https?://", render(every_block("words")))


def test_the_policy_names_exactly_the_page_s_own_style_and_script() -> None:
    page = Parsed(render(every_block("words")))

    (policy,) = (
        found["content"] for found in page.of("meta") if found.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        kind: f"'sha256-{base64.b64encode(hashlib.sha256(page.inside(kind)[0].encode()).digest()).decode()}'"
        for kind in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src {hashes['style']}; script-src {hashes['script']}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert [found for _, found in page.elements if "style" in found] == []
    assert [key for _, found in page.elements for key in found if key.startswith("on")] == []


def test_equal_reports_give_equal_bytes_in_any_process(tmp_path: Path) -> None:
    every_block("words").write(tmp_path / "report.json")
    program = (
        "import sys; from pathlib import Path;"
        "from honing.store import Report; from honing.view import render;"
        "sys.stdout.buffer.write(render(Report.read(Path(sys.argv[1]))).encode())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "report.json")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert runs[0] == runs[1] == render(every_block("words")).encode()


def test_a_reader_without_eyes_finds_the_way() -> None:
    page = Parsed(render(every_block("words")))

    idents = [found["id"] for _, found in page.elements if "id" in found]
    named = " ".join(
        found[key] or "" for _, found in page.elements for key in ("aria-labelledby", "for") if key in found
    )
    assert [count for count in Counter(idents).values() if count > 1] == []
    assert set(named.split()) <= set(idents)
    assert {tag for tag, _ in page.elements} >= {"header", "nav", "main", "footer", "h1", "h2", "caption"}
    assert all(found.get("role") == "img" or found.get("aria-hidden") == "true" for found in page.of("svg"))
    assert all(found.get("scope") == "col" for found in page.of("th"))
    assert page.of("html") == [{"lang": "en"}]


def test_a_score_that_may_not_be_reported_is_a_dash_with_its_reason() -> None:
    block = Headline(
        label="Accuracy", value=None, note="No call reached the gateway.", badge=Badge("invalid", Tone.BAD)
    )

    page = render(Report(title="t", sections=(Section(title="s", blocks=(block,)),)))

    assert '<p class="big missing">\u2013</p>' in page
    assert (
        '<span class="badge bad">invalid</span><p class="headline-note">No call reached the gateway.</p>'
        in page
    )


def test_an_empty_report_is_a_page() -> None:
    page = Parsed(render(Report(title="")))

    assert page.open == []
    assert page.of("section") == []


def rows_of(samples: Samples) -> list[list[object]]:
    (payload,) = (text for text in Parsed(samples_html(samples, "s")).inside("script"))
    rows: list[list[object]] = json.loads(payload)["rows"]
    return rows


def test_a_sample_s_row_holds_its_texts_ready_to_show() -> None:
    row = SampleRow(
        id="a\u202e",
        prompt="p",
        completion="</script>",
        target="t",
        reward=0.5,
        extra={"m": Badge("x", Tone.GOOD), "n": 1200},
    )
    columns = (Column(key="m", title="m"), Column(key="n", title="n", kind=CellKind.NUMBER))

    found = rows_of(
        Samples(rows=(row,), columns=columns, details=(Column(key="none", title="z"),), right_from=0.5)
    )

    assert found == [
        ["a\\u202e", "p", "</script>", "t", "0.500", "completed", "right", [["x", "good"], "1,200"], [""]]
    ]


@pytest.mark.parametrize(("reward", "mark"), [(1.0, "right"), (0.99, "wrong"), (None, "unjudged")])
def test_a_sample_without_a_reward_is_neither_right_nor_wrong(reward: float | None, mark: str) -> None:
    (row,) = rows_of(Samples(rows=(SampleRow(id="1", prompt="p", reward=reward),)))

    assert row[6] == mark


def test_long_samples_are_cut_to_what_a_page_can_hold() -> None:
    samples = Samples(
        rows=tuple(SampleRow(id=str(n), prompt="x" * 30_000) for n in range(2000)), caption="All"
    )

    page = samples_html(samples, "s")

    assert len(page) < 26_000_000
    assert "Texts longer than 4,000 characters are shortened on this page." in page
    assert "[... 26,000 characters not shown ...]" in page


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(theme: int) -> None:
    style = files("honing.view").joinpath("assets", "page.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    colour = {name: (light, dark)[theme] for name, light, dark in pairs}
    used = [
        (ink, ground) for ink in ("ink", "soft", "muted", "accent") for ground in ("paper", "sunk", "raised")
    ]
    used += [(tone, f"{tone}-soft") for tone in ("good", "bad", "warn", "info")] + [("ceiling", "paper")]

    contrast = {}
    for ink, ground in used:
        high, low = sorted((luminance(colour[ink]), luminance(colour[ground])), reverse=True)
        contrast[ink, ground] = (high + 0.05) / (low + 0.05)

    assert {pair: round(ratio, 2) for pair, ratio in contrast.items() if ratio < 4.5} == {}
