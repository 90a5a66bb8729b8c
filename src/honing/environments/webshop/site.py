"""A visit to a running WebShop site over HTTP: its pages are read, its links and forms are followed."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser

from honing.environments.base import Step
from honing.environments.webshop.pages import (
    BACK,
    PREVIOUS,
    SUB_PAGES,
    Page,
    as_step,
    chosen_text,
    queries_from,
)
from honing.environments.webshop.play import ACTION
from honing.errors import EnvironmentFaultError

_MAX_BYTES = 4 * 1024 * 1024
_HIDDEN = frozenset({"head", "title", "style", "script", "meta"})
_EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta"})
"""Elements that have no end."""
_REWARD = re.compile(r"score .*?([01](?:\.\d+)?(?:e-\d+)?)\s*$", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True)
class SitePage:
    """One page of the site."""

    texts: list[str] = field(default_factory=list)
    instruction: str = ""
    links: dict[str, str] = field(default_factory=dict)
    """Where each clickable text leads, in small letters."""
    options: dict[str, str] = field(default_factory=dict)
    """Of the links, those that choose an option, with its name."""
    search: str = ""
    """Where a search is sent; empty where there is no search field."""
    reward: float | None = None
    """Of a purchase; None before."""


class Site:
    """Where the pages come from."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """Nothing is asked yet.

        Args:
            address: Of the site, "http://127.0.0.1:3000".
            timeout_s: For one page.
        """
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise EnvironmentFaultError(
                f"webshop: 'server' must be an address such as http://host:3000, got {address!r}."
            )
        self._address = address.rstrip("/")
        self._host = parts.scheme, parts.netloc
        self._timeout_s = timeout_s
        # The site is named on purpose; a proxy from the environment would be a surprise.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def session(self, number: int) -> SitePage:
        """The first page of a session with a fixed goal."""
        return self.page(f"{self._address}/fixed_{number}")

    def page(self, link: str, form: dict[str, str] | None = None) -> SitePage:
        """A page that a link leads to.

        Args:
            link: As it stands in a page, or in full.
            form: What is sent with it, for a form.

        Raises:
            EnvironmentFaultError: The site cannot be reached, answers with an error, or sends what is no
                page; or the link leads elsewhere.
        """
        address = urllib.parse.urljoin(f"{self._address}/", link)
        parts = urllib.parse.urlsplit(address)
        if (parts.scheme, parts.netloc) != self._host:
            raise EnvironmentFaultError(
                f"webshop: a page of {self._address} leads to {address!r}, another site."
            )
        quoted = urllib.parse.quote(address, safe="%/:?&=+@,;[]'()")
        sent = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self._opener.open(quoted, data=sent, timeout=self._timeout_s) as answer:
                content = answer.read(_MAX_BYTES + 1)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise EnvironmentFaultError(
                f"webshop: {quoted} cannot be read: {error}. Is the site running, and has it that many goals?"
            ) from error
        if len(content) > _MAX_BYTES:
            raise EnvironmentFaultError(f"webshop: {quoted} has more than {_MAX_BYTES} bytes.")
        reader = _Reader()
        reader.feed(content.decode("utf-8", errors="replace"))
        return reader.finished(quoted)


class SitePlay:
    """One customer with one goal on the site. The site's addresses hold all state, so visits do not disturb
    each other."""

    def __init__(self, site: Site, number: int, *, queries: int) -> None:
        self._site = site
        self._page = site.session(number)
        if not self._page.instruction:
            raise EnvironmentFaultError(
                f"webshop: the page of the session fixed_{number} has no instruction."
            )
        self._instruction = self._page.instruction
        self._queries = queries_from(self._instruction, queries)
        self._chosen: dict[str, str] = {}

    def show(self) -> Step:
        page = self._page
        bought = page.reward is not None
        if bought:
            shown = Page(texts=("Thank you for shopping with us!",), clickable=())
        else:
            chosen = chosen_text(self._chosen) if page.options else ()
            shown = Page(
                texts=(*page.texts, *chosen), clickable=tuple(page.links), searchable=bool(page.search)
            )
        return as_step(shown, self._instruction, self._queries, reward=page.reward or 0.0, done=bought)

    def act(self, action: str) -> None:
        found = ACTION.fullmatch(action)
        kind, text = found.groups() if found is not None else ("", "")
        if kind == "search":
            self._chosen = {}
            self._page = self._site.page(self._page.search, {"search_query": text})
            return
        if text in self._page.options:
            self._chosen[self._page.options[text]] = text
        elif text not in SUB_PAGES and not (text == PREVIOUS and self._is_sub_page()):
            # A choice stays while the product or one of its sub-pages is looked at.
            self._chosen = {}
        self._page = self._site.page(self._page.links[text])

    def freeze(self) -> None:
        """A visit is replayed, not copied."""

    def close(self) -> None:
        """The site keeps nothing that would have to be closed."""

    def _is_sub_page(self) -> bool:
        return set(self._page.links) == {BACK, PREVIOUS}


class _Reader(HTMLParser):
    """Reads one page: visible texts, where buttons, links and options lead, and the reward."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._page = SitePage()
        self._open: list[tuple[str, dict[str, str]]] = []
        self._form = ""
        self._instruction: list[str] = []
        self._reward: list[str] = []
        self._options: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = found.get("action", "")
        if tag == "input" and found.get("id") == "search_input":
            self._page.search = self._form
        if tag == "input" and found.get("type") == "radio":
            self._options.append((found.get("value", ""), found.get("data-url", ""), found.get("name", "")))
        if tag not in _EMPTY:
            self._open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _ in self._open]
        # WebShop closes an h4 by </h5> here and there; a heading's end ends the heading that is open.
        wanted = [
            at for at, name in enumerate(names) if name == tag or (_is_heading(name) and _is_heading(tag))
        ]
        if wanted:
            del self._open[wanted[-1] :]
        if tag == "form":
            self._form = ""

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if not text or any(tag in _HIDDEN for tag, _ in self._open):
            return
        if any(found.get("id") == "instruction-text" for _, found in self._open):
            self._instruction.append(text)
            return
        if any(found.get("id") == "reward" for _, found in self._open):
            self._reward.append(text)
        self._page.texts.append(text)
        self._click(text)

    def finished(self, source: str) -> SitePage:
        """The page that was read."""
        page = self._page
        page.instruction = re.sub(r"^Instruction:\s*", "", " ".join(self._instruction)).strip()
        for value, link, name in self._options:
            page.links[value] = link
            page.options[value] = name
        if self._reward:
            found = _REWARD.search(" ".join(self._reward))
            if found is None:
                shown = " ".join(self._reward)
                raise EnvironmentFaultError(
                    f"webshop: {source} shows the reward {shown!r}, which ends in no number in [0, 1]."
                )
            page.reward = float(found.group(1))
        return page

    def _click(self, text: str) -> None:
        tag, found = self._open[-1] if self._open else ("", {})
        classes = found.get("class", "").split()
        if tag == "button" and "btn" in classes and self._form and not self._page.search:
            self._page.links[text.lower()] = self._form
        elif tag == "a" and "product-link" in classes:
            self._page.links[text.lower()] = found.get("href", "")


def _is_heading(tag: str) -> bool:
    return re.fullmatch(r"h[1-6]", tag) is not None
