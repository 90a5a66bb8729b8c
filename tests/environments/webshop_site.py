"""A WebShop site on the loopback interface: its addresses, its forms and its marks, over made-up products.

The pages are worded by the files' own world, so that the two ways of playing can be compared step by step.
"""

from __future__ import annotations

import ast
import html
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from honing.environments.webshop.catalogue import Catalogue, Goal, Product, read_catalogue
from honing.environments.webshop.pages import PER_PAGE
from honing.environments.webshop.reward import reward_of
from honing.environments.webshop.search import Index


@contextmanager
def webshop_site(files: Mapping[str, str]) -> Iterator[str]:
    """Serve the site; its address."""
    catalogue = read_catalogue(Path(files["products"]), Path(files["attributes"]), Path(files["human"]))
    handler = type("Handler", (_Handler,), {"shop": _Shop(catalogue)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Shop:
    """Pages by address."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._index = Index(catalogue.products.values())

    def page(self, parts: list[str]) -> str:
        if len(parts) == 1:
            return self._front(parts[0])
        kind, session, *rest = parts
        goal = self._goal(session)
        if kind == "search_results":
            return self._results(session, goal, rest[0], int(rest[1]))
        product = self._catalogue.products[rest[0]]
        if kind == "done":
            return self._done(goal, product, ast.literal_eval(rest[1]))
        if kind == "item_page":
            return self._product(session, goal, product, rest)
        return self._sub_page(session, goal, product, rest)

    def _goal(self, session: str) -> Goal:
        return self._catalogue.goals[int(session.rpartition("_")[2])]

    def _front(self, session: str) -> str:
        form = (
            f'<form method="post" action="/{session}">'
            '<input id="search_input" type="text" name="search_query">'
            '<button class="btn btn-success" type="submit"><i class="icon"></i>Search</button></form>'
        )
        return _whole(f"<h2>WebShop</h2>{_instruction(self._goal(session))}{form}")

    def _results(self, session: str, goal: Goal, keywords: str, page: int) -> str:
        asins = self._index.search(" ".join(ast.literal_eval(keywords)))
        base = f"/search_results/{session}/{quote(keywords)}"
        parts = [_instruction(goal), _button(f"/{session}", "Back to Search")]
        parts.append(f"<h3>Page {page} (Total results: {len(asins)})</h3>")
        if page > 1:
            parts.append(_button(f"{base}/{page - 1}", "< Prev"))
        parts.append(_button(f"{base}/{page + 1}", "Next >"))
        for asin in asins[(page - 1) * PER_PAGE : page * PER_PAGE]:
            product = self._catalogue.products[asin]
            link = f"/item_page/{session}/{asin}/{quote(keywords)}/{page}/{quote('{}')}"
            # The original ends these headings by the wrong mark, too.
            parts.append(f'<h4 class="product-asin"><a class="product-link" href="{link}">{asin}</a></h5>')
            parts.append(f'<h4 class="product-title">{html.escape(product.title)}</h5>')
            parts.append(f'<h5 class="product-price">{product.price_tag}</h6>')
        return _whole("".join(parts))

    def _product(self, session: str, goal: Goal, product: Product, rest: list[str]) -> str:
        asin, keywords, page, options = rest
        chosen = ast.literal_eval(options)
        way = f"{session}/{asin}/{quote(keywords)}/{page}"
        parts = [_instruction(goal), _button(f"/{session}", "Back to Search")]
        parts.append(_button(f"/search_results/{session}/{quote(keywords)}/{page}", "< Prev"))
        for name, values in product.options.items():
            parts.append(f"<h4>{html.escape(name)}</h4>")
            for value in values:
                link = f"/item_page/{way}/{quote(str({**chosen, name: value}))}"
                words = html.escape(value)
                parts.append(f'<input type="radio" name="{name}" value="{words}" data-url="{link}">')
                parts.append(f"<label>{words}</label>")
        parts.append(f"<h2>{html.escape(product.title)}</h2><h4>Price: {product.price_tag}</h4>")
        parts.append("<h4>Rating: N.A.</h4>")
        for name in ("Description", "Features", "Reviews"):
            parts.append(_button(f"/item_sub_page/{way}/{name}/{quote(options)}", name))
        parts.append(_button(f"/done/{session}/{asin}/{quote(options)}", "Buy Now", "btn btn-lg purchase"))
        return _whole("".join(parts) + f"<script>let options = {json.dumps(chosen)};</script>")

    def _sub_page(self, session: str, goal: Goal, product: Product, rest: list[str]) -> str:
        asin, keywords, page, name, options = rest
        back = f"/item_page/{session}/{asin}/{quote(keywords)}/{page}/{quote(options)}"
        content = {"Description": [product.description], "Features": list(product.features)}.get(name, [])
        texts = "".join(f'<p class="product-info">{html.escape(text)}</p>' for text in content)
        return _whole(
            _instruction(goal) + _button(f"/{session}", "Back to Search") + _button(back, "< Prev") + texts
        )

    def _done(self, goal: Goal, product: Product, chosen: dict[str, str]) -> str:
        reward = reward_of(product, goal, self._catalogue.products[goal.asin], list(chosen.values()))
        return _whole(
            f"<h1>Thank you for shopping with us!</h1><div style='display:none'><h4>{goal.asin}</h4></div>"
            f'<h3 id="reward">Your score (min 0.0, max 1.0)<pre>{reward}</pre></h3>'
        )


class _Handler(BaseHTTPRequestHandler):
    shop: _Shop

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(parse_qs(self.rfile.read(length).decode()))

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps quiet."""

    def _answer(self, form: dict[str, list[str]]) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if "search_query" in form:
            keywords = form["search_query"][0].lower().split(" ")
            self.send_response(302)
            self.send_header("Location", f"/search_results/{parts[0]}/{quote(str(keywords))}/1")
            self.end_headers()
            return
        try:
            content = self.shop.page(parts).encode()
        except (IndexError, KeyError, ValueError):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _instruction(goal: Goal) -> str:
    return f'<div id="instruction-text"><h4>Instruction:<br>{html.escape(goal.instruction)}</h4></div>'


def _button(link: str, words: str, kind: str = "btn btn-primary") -> str:
    button = f'<button type="submit" class="{kind}">{html.escape(words)}</button>'
    return f'<form method="post" action="{link}">{button}</form>'


def _whole(body: str) -> str:
    return f"<!DOCTYPE html><html><head><title>Shop</title></head><body>{body}</body></html>"
