"""httpx2's calls for loopback addresses: none loads certificates, which takes 30 ms of processor."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx2

get = partial(httpx2.get, verify=False, trust_env=False)
head = partial(httpx2.head, verify=False, trust_env=False)
post = partial(httpx2.post, verify=False, trust_env=False)
request = partial(httpx2.request, verify=False, trust_env=False)
stream = partial(httpx2.stream, verify=False, trust_env=False)


def unix_client(socket: Path | None) -> httpx2.Client:
    """A client whose every address leads to a Unix socket."""
    return httpx2.Client(transport=httpx2.HTTPTransport(uds=str(socket), verify=False))
