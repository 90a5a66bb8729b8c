"""The files of a package, as an index lists them: the JSON and HTML forms of the simple interface, or a
folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from honing.contract.targets.addresses import without_secrets
from honing.contract.targets.network import Authorization, RefusedError, Web
from honing.errors import TargetError, boundary

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PUBLIC_INDEX = "https://pypi.org/simple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One file of a package."""

    filename: str
    version: Version
    is_sdist: bool
    url: str = ""
    path: Path | None = None
    """Where it lies, in an index that is a folder."""
    sha256: str = ""
    size: int | None = None
    yanked: str | None = None
    """Why it was withdrawn; None where it was not."""


def index_of(variables: Mapping[str, str]) -> str:
    """The address of the index that counts, with the credentials that stand in it."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    found = next((variables[name] for name in names if variables.get(name)), PUBLIC_INDEX)
    return found.rstrip("/")


def releases(index: str, name: str, web: Web | None) -> list[Release]:
    """Every file of a package.

    Args:
        index: An https address, or a file address of a folder.
        name: In its normal form.
        web: For an https address.

    Raises:
        TargetError: The index does not know the package, or cannot be read.
    """
    if urlsplit(index).scheme == "file":
        folder = Path(unquote(urlsplit(index).path)) / name
        page = folder / "index.html"
        if page.is_file():
            with boundary(TargetError, f"reading {page}"):
                return _from_html(page.read_text(encoding="utf-8"), page.as_uri(), name)
        return in_folder(folder, name)
    assert web is not None
    url = without_login(f"{index}/{name}/")
    try:
        found = web.page(url, auth=login_of(index), accept=ACCEPT)
    except RefusedError as error:
        if error.status in (401, 403):
            raise TargetError(f"{url}: the index wants a login; put it into PIP_INDEX_URL.") from None
        raise TargetError(f"{url}: the index knows no package {name!r} (HTTP {error.status}).") from None
    if "json" in found.headers.get("content-type", ""):
        return _from_json(found.json(), found.url, name)
    return _from_html(found.body.decode("utf-8", "replace"), found.url, name)


def login_of(index: str) -> Authorization | None:
    """The login that stands in an index's address, for its own server."""
    return Authorization.basic(unquote(urlsplit(index).netloc.rpartition("@")[0]), index)


def without_login(url: str) -> str:
    """An address without its login."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def in_folder(folder: Path, name: str) -> list[Release]:
    """The files of a package that lie in a folder. Nothing vouches for them but the folder's owner.

    Raises:
        TargetError: There is no such folder.
    """
    if not folder.is_dir():
        raise TargetError(f"{folder}: no such folder, so this index knows no package {name!r}.")
    found = (_release(path.name, name, path=path) for path in sorted(folder.iterdir()) if path.is_file())
    return [release for release in found if release is not None]


def _from_json(document: Any, base: str, name: str) -> list[Release]:
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, list):
        raise TargetError(f"{without_secrets(base)}: this is no package index: expected a list of files.")
    found = []
    for file in files:
        yanked = file.get("yanked", False)
        release = _release(
            str(file.get("filename", "")),
            name,
            url=urljoin(base, str(file.get("url", ""))),
            sha256=str((file.get("hashes") or {}).get("sha256", "")).lower(),
            size=file.get("size") if isinstance(file.get("size"), int) else None,
            yanked=None if yanked is False else str(yanked if yanked is not True else "no reason given"),
        )
        found += [] if release is None else [release]
    return found


def _from_html(text: str, base: str, name: str) -> list[Release]:
    links = _Links()
    links.feed(text)
    found = []
    for link in links.found:
        url = urlsplit(urljoin(base, link.get("href") or ""))
        hashed = re.search(r"sha256=([0-9a-fA-F]{64})", url.fragment)
        plain = url._replace(fragment="").geturl()
        release = _release(
            unquote(url.path.rpartition("/")[2]),
            name,
            url=plain,
            path=Path(unquote(url.path)) if url.scheme == "file" else None,
            sha256=hashed[1].lower() if hashed else "",
            yanked=(link["data-yanked"] or "no reason given") if "data-yanked" in link else None,
        )
        found += [] if release is None else [release]
    return found


class _Links(HTMLParser):
    """The anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def _release(filename: str, name: str, **known: Any) -> Release | None:
    """A file of this package; None for anything else that is listed."""
    for is_sdist, (found, version) in _parsed(filename):
        if found == name:
            return Release(filename=filename, version=version, is_sdist=is_sdist, **known)
    return None


def _parsed(filename: str) -> Iterator[tuple[bool, tuple[str, Version]]]:
    try:
        if filename.endswith(".whl"):
            found, version, _, _ = parse_wheel_filename(filename)
            yield False, (found, version)
        elif filename.endswith((".tar.gz", ".zip")):
            yield True, parse_sdist_filename(filename)
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        return
