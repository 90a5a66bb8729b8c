"""A report as one self-contained HTML file.

Nothing is fetched: style, script, figures and data are inside, and the page's own content security policy
lets nothing else run or load, whatever a hostile text in the report may contain. The same report gives the
same bytes.
"""

from __future__ import annotations

import base64
import hashlib

from honing.store import Report, Section
from honing.view.blocks import Idents, block_html, paragraphs
from honing.view.tables import badge_html
from honing.view.templates import asset, filled
from honing.view.text import escape, shortened, words


def render(report: Report) -> str:
    """The page of a run.

    The text holds no lone surrogate, so it can always be written as UTF-8.
    """
    idents = Idents()
    style, script = asset("page.css"), asset("page.js")
    anchors = [f"section-{number}" for number, _ in enumerate(report.sections, start=1)]
    sections = "".join(
        _section(section, anchor, idents) for section, anchor in zip(report.sections, anchors, strict=True)
    )
    return filled(
        asset("page.html"),
        {
            "policy": _policy(style, script),
            "title": escape(shortened(report.title, 200)),
            "style": style,
            "script": script,
            "heading": words(report.title),
            "subtitle": f'<p class="subtitle">{words(report.subtitle)}</p>' if report.subtitle else "",
            "badges": "".join(badge_html(badge) for badge in report.badges),
            "contents": _contents(report.sections, anchors),
            "sections": sections,
            "footer": words(report.footer),
        },
    )


def _section(section: Section, anchor: str, idents: Idents) -> str:
    blocks = "".join(f'<div class="block">{block_html(block, idents)}</div>' for block in section.blocks)
    lead = f'<div class="lead">{paragraphs(section.text)}</div>' if section.text else ""
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">'
        f'<h2 id="{anchor}-title">{words(section.title)}</h2>{lead}{blocks}</section>'
    )


def _contents(sections: tuple[Section, ...], anchors: list[str]) -> str:
    return "".join(
        f'<li><a href="#{anchor}">{words(section.title)}</a></li>'
        for section, anchor in zip(sections, anchors, strict=True)
    )


def _policy(style: str, script: str) -> str:
    """Only the page's own style and script, named by their hashes; no fetch, no frame, no form."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
