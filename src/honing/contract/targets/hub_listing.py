"""What a data set of the hub holds at one commit, as its server lists it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from honing.contract.targets.addresses import Address
from honing.contract.targets.base import SourceOptions
from honing.contract.targets.cache import locked
from honing.contract.targets.network import Authorization, Page, RefusedError, Web
from honing.errors import TargetError, boundary
from honing.store import json_bytes, parse_json, write_atomic

PUBLIC_HUB = "https://huggingface.co"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MAX_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file of a data set."""

    path: str
    size: int
    oid: str
    """SHA-1 of git's blob."""
    sha256: str = ""
    """Of its content, where it is kept in LFS; then `oid` is that of the pointer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A data set at one commit."""

    name: str
    """As the hub calls it now, with its namespace."""
    commit: str
    files: tuple[HubFile, ...]


@dataclass(frozen=True, slots=True)
class Hub:
    """The server and who we are there."""

    endpoint: str
    auth: Authorization | None

    @classmethod
    def of(cls, options: SourceOptions) -> Hub:
        """The hub that the usual variables name."""
        endpoint = (options.variables.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
        return cls(endpoint, Authorization.bearer(options.variables.get("HF_TOKEN", ""), endpoint))

    def file_url(self, listing: Listing, file: HubFile) -> str:
        """Where a file's bytes are."""
        return f"{self.endpoint}/datasets/{quote(listing.name)}/resolve/{listing.commit}/{quote(file.path)}"


def is_offline(options: SourceOptions) -> bool:
    """Whether the hub must not be asked."""
    return options.variables.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def listing_of(hub: Hub, address: Address, options: SourceOptions, web: Web | None) -> Listing:
    """Every file of a data set at the commit that its revision means now. One that is pinned is asked for
    once.

    Args:
        hub: The server.
        address: Names the data set, and perhaps a revision.
        options: Holds the cache.
        web: None where the hub must not be asked.

    Raises:
        TargetError: There is no such data set or revision, or it is closed to us.
    """
    pinned = bool(_COMMIT.fullmatch(address.ref))
    if pinned:
        with locked(_entry(hub, address, address.ref, options)) as entry:
            if entry.is_file():
                return _read(entry)
    if web is None:
        raise TargetError(
            f"{address.shown!r}: HF_HUB_OFFLINE is set, and the cache {options.cache} does not hold this at "
            "a whole commit. Unset it once, name a commit that was fetched before, or use HONING_MIRROR."
        )
    listing = _asked(hub, address, web)
    with locked(_entry(hub, address, listing.commit, options)) as entry:
        write_atomic(entry, json_bytes(_document(listing)))
    return listing


def _entry(hub: Hub, address: Address, commit: str, options: SourceOptions) -> Path:
    assert options.cache is not None
    key = f"{hub.endpoint}\n{address.name}\n{commit}\n{address.subpath}"
    return options.cache / "hub" / "listings" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _asked(hub: Hub, address: Address, web: Web) -> Listing:
    revision = quote(address.ref or "main", safe="")
    base = f"{hub.endpoint}/api/datasets/{quote(address.name)}"
    found = _page(web, hub, address, f"{base}/revision/{revision}").json()
    name, commit = found.get("id"), found.get("sha")
    if not isinstance(name, str) or not _COMMIT.fullmatch(str(commit)):
        raise TargetError(f"{base}: the hub's answer names no data set and commit.")
    if _COMMIT.fullmatch(address.ref) and commit != address.ref:
        raise TargetError(f"{address.shown!r}: the hub answered with another commit, {commit}.")
    inside = f"/{quote(address.subpath)}" if address.subpath else ""
    # Asked for under its present name: a data set that was renamed answers its old one with a redirect.
    tree = f"{hub.endpoint}/api/datasets/{quote(name)}/tree/{commit}{inside}?recursive=true"
    files = tuple(sorted(_files(web, hub, address, tree), key=lambda file: file.path))
    return Listing(name=name, commit=str(commit), files=files)


def _files(web: Web, hub: Hub, address: Address, url: str) -> Iterator[HubFile]:
    for _ in range(_MAX_PAGES):
        page = _page(web, hub, address, url)
        entries = page.json()
        if not isinstance(entries, list):
            raise TargetError(f"{url}: expected a list of files.")
        yield from (_file(entry, url) for entry in entries if entry.get("type") == "file")
        following = re.search(r'<([^>]+)>\s*;\s*rel="?next"?', page.headers.get("link", ""))
        if following is None:
            return
        url = urljoin(page.url, following[1])
        if urlsplit(url).netloc != urlsplit(hub.endpoint).netloc:
            raise TargetError(f"{address.shown!r}: the hub's list goes on at another server, {url}.")
    raise TargetError(f"{address.shown!r}: more than {_MAX_PAGES} pages of files. Name a folder of it.")


def _file(entry: Mapping[str, Any], url: str) -> HubFile:
    lfs = entry.get("lfs") or {}
    sha256 = str(lfs.get("oid") or lfs.get("sha256") or "").removeprefix("sha256:").lower()
    size, oid = lfs.get("size", entry.get("size")), str(entry.get("oid", ""))
    if not isinstance(size, int) or size < 0 or not (re.fullmatch(r"[0-9a-f]{40}", oid) or len(sha256) == 64):
        raise TargetError(f"{url}: {str(entry)[:120]} has no size or no checksum.")
    return HubFile(path=str(entry["path"]), size=size, oid=oid, sha256=sha256)


def _page(web: Web, hub: Hub, address: Address, url: str) -> Page:
    try:
        return web.page(url, auth=hub.auth)
    except RefusedError as error:
        raise refused(error, address, hub) from None


def refused(error: RefusedError, address: Address, hub: Hub) -> TargetError:
    """What a user can do about the hub's no."""
    page = f"{hub.endpoint}/datasets/{address.name}"
    if error.status in (401, 403):
        step = (
            f"Set HF_TOKEN to a token that may read it; where it is gated, accept its terms first at {page}"
        )
        if hub.auth:
            step = f"The token in HF_TOKEN does not open it: accept its terms at {page}, or use another one"
        return TargetError(f"{address.shown!r} is gated, private or not there (HTTP {error.status}). {step}.")
    if error.status == 404:
        at = f" at revision {address.ref!r}" if address.ref else ""
        inside = f", folder {address.subpath!r}" if address.subpath else ""
        return TargetError(f"{address.shown!r}: the hub has no data set {address.name!r}{at}{inside}.")
    return TargetError(f"{address.shown!r}: the hub answers HTTP {error.status}.")


def _document(listing: Listing) -> dict[str, Any]:
    return {
        "name": listing.name,
        "commit": listing.commit,
        "files": [[file.path, file.size, file.oid, file.sha256] for file in listing.files],
    }


def _read(entry: Path) -> Listing:
    with boundary(TargetError, f"reading {entry}"):
        found = parse_json(entry.read_bytes(), where=str(entry))
        files = tuple(
            HubFile(path=path, size=size, oid=oid, sha256=sha256)
            for path, size, oid, sha256 in found["files"]
        )
        return Listing(name=found["name"], commit=found["commit"], files=files)
