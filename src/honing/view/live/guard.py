"""Who may talk to the server: pages that it served itself, to somebody who was given its address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER = "x-honing-key"
_PLAIN = [(b"content-type", b"text/plain; charset=utf-8")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What a caller must know."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """In the address that is printed, then in the page's cookie."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """In the page itself: shows that a request that changes something comes from it."""

    @property
    def hosts(self) -> tuple[str, str]:
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def cookie_name(self) -> str:
        # Cookies know no ports: two servers on one machine must not overwrite each other's.
        return f"honing-view-{self.port}"

    @property
    def cookie(self) -> str:
        return f"{self.cookie_name}={self.token}; HttpOnly; SameSite=Strict; Path=/"


class Guard:
    """Lets a request through, or answers it with a sentence."""

    def __init__(self, app: ASGIApp, secrets: Secrets) -> None:
        """Guard an application.

        Args:
            app: What is guarded.
            secrets: What a caller must know.
        """
        self._app = app
        self._secrets = secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError("only plain requests are served")
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, _hardened(send))
            return
        status, why = refused
        await send({"type": "http.response.start", "status": status, "headers": _PLAIN})
        await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence for a request that is not let through."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        host = [value for name, value in headers if name == "host"]
        # A name of somebody else's that leads here (DNS rebinding) is another origin.
        if len(host) != 1 or host[0] not in self._secrets.hosts:
            return 421, "This server answers to 127.0.0.1 and localhost only."
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            return 405, "Only GET and POST are answered."
        first = method == "GET" and scope["path"] == "/" and self._given_token(scope)
        if not first and not self._cookie_fits(headers):
            return 401, "Open the address that `hone view` printed; it holds the token of this server."
        if method == "POST":
            origins = [value for name, value in headers if name == "origin"]
            keys = [value for name, value in headers if name == KEY_HEADER]
            if origins != [f"http://{host[0]}"] or len(keys) != 1 or not _same(keys[0], self._secrets.key):
                return 403, "Only the page itself may change something."
        return None

    def _given_token(self, scope: Scope) -> bool:
        query = scope["query_string"].decode("latin-1")
        return query.startswith("token=") and _same(query.removeprefix("token="), self._secrets.token)

    def _cookie_fits(self, headers: list[tuple[str, str]]) -> bool:
        for name, value in headers:
            # Other servers of this machine set cookies for the same address, of whatever form.
            for pair in value.split(";") if name == "cookie" else ():
                given, _, token = pair.strip().partition("=")
                if given == self._secrets.cookie_name and _same(token, self._secrets.token):
                    return True
        return False


def policy(host: str) -> str:
    """What our own page may load: its script, its styles, its answers, and pages of runs in a frame."""
    here = f"http://{host}"
    return (
        f"default-src 'none'; script-src {here}/assets/live.js; style-src {here}/assets/; img-src data:; "
        f"connect-src {here}/api/; frame-src {here}/runs/; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


FOREIGN_POLICY = (
    "sandbox; default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For whatever a run wrote: an origin of its own, and nothing runs or loads."""


def _hardened(send: Send) -> Send:
    """Add to every answer what holds for all of them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            added = [
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"no-referrer"),
                (b"cross-origin-resource-policy", b"same-origin"),
                (b"cache-control", b"no-store"),
                (b"content-security-policy", FOREIGN_POLICY.encode()),
            ]
            message["headers"] = [*message["headers"], *((n, v) for n, v in added if n not in given)]
        await send(message)

    return sending


def _same(found: str, wanted: str) -> bool:
    return secrets.compare_digest(found.encode(), wanted.encode())
