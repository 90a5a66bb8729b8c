"""Where a model server is and how to speak to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from honing.errors import SettingsError, boundary
from honing.llm.wires import Wire, wire_named

_TELLING = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)


def _visible(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model server. Its key is in no representation of it.

    Raises:
        SettingsError: The address is no http(s) URL of a host or holds credentials, or the key or a header
            cannot be sent.
    """

    base_url: str
    """Up to and without the wire's own path: https://api.openai.com/v1, https://api.anthropic.com, ..."""
    wire: str
    """Name of the wire it speaks."""
    key: str = field(default="", repr=False)
    """"" where the server wants none."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every call, beyond those of the wire."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, before the first call."""
        wire_named(self.wire)
        with boundary(SettingsError, "base address"):
            parts = urlsplit(self.base_url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if parts.username or parts.password:
            raise SettingsError(f"base address of {parts.hostname}: the key must stand on its own, not in it")
        if not usable or not _visible(self.base_url):
            raise SettingsError(f"base address {self.base_url!r}: expected http://HOST... or https://HOST...")
        if parts.query or parts.fragment:
            raise SettingsError(f"base address of {parts.hostname}: expected no '?' or '#' in it")
        if not _visible(self.key):
            raise SettingsError(
                f"the key for {parts.hostname} holds a character that no key has (a space, a line break "
                "or a letter outside ASCII); copy it again"
            )
        for name, value in self.headers.items():
            if not _visible(name) or not _visible(value.replace(" ", "")):
                raise SettingsError(f"header {name!r} for {parts.hostname}: expected printable ASCII")

    @property
    def host(self) -> str:
        """Host, and port where one is given, for messages."""
        return urlsplit(self.base_url).netloc

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no text: the key, and extra headers that by their name hold one."""
        telling = [value for name, value in self.headers.items() if _TELLING.search(name)]
        return tuple(value for value in (self.key, *telling) if value)

    def speaks(self) -> Wire:
        """Its wire."""
        return wire_named(self.wire)

    def url(self, path: str) -> str:
        """The address of a wire's path. A version that both base address and path name (/v1) stands once."""
        base = self.base_url.rstrip("/")
        version = path.split("/")[1]
        return base + (path.removeprefix(f"/{version}") if base.endswith(f"/{version}") else path)
