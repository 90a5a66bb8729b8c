"""A data set of the Hugging Face hub at one commit: listed, fetched, and every file checked against its
sum."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from honing.contract.targets.addresses import Address
from honing.contract.targets.base import Fetched, SourceOptions
from honing.contract.targets.cache import locked
from honing.contract.targets.hub_choice import Choice, choose_files
from honing.contract.targets.hub_listing import Hub, HubFile, Listing, is_offline, listing_of, refused
from honing.contract.targets.local import sha256_of
from honing.contract.targets.mirror import dataset_in_mirror
from honing.contract.targets.network import RefusedError, Web
from honing.contract.targets.writer import CHUNK_BYTES, ContentLimits, ContentWriter
from honing.errors import TargetError, boundary

_AT_ONCE = 4
_CARD_BYTES = 4 * 1024**2


def fetch_dataset(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """The files of a data set. All that were chosen arrive whole, or the target is refused.

    Raises:
        TargetError: It does not exist, is closed to us, is too large, or a file is not what the hub promises.
    """
    if options.mirror is not None:
        return _mirrored(address, dataset_in_mirror(options.mirror, address))
    hub = Hub.of(options)
    if is_offline(options):
        return _fetched(hub, address, staging, options, None)
    with Web(options) as web:
        return _fetched(hub, address, staging, options, web)


def _fetched(hub: Hub, address: Address, staging: Path, options: SourceOptions, web: Web | None) -> Fetched:
    listing = listing_of(hub, address, options, web)
    fetcher = _Fetcher(hub, address, options, web, listing)
    choice = choose_files(listing.files, fetcher.card(), options, shown=address.shown)
    kept = fetcher.all_of(choice.files)
    folder = staging / "content"
    folder.mkdir()
    _lay_out(choice.files, kept, folder, address, options)
    top = folder / address.subpath
    if not top.is_dir():
        raise TargetError(f"{address.shown!r}: the data set holds no folder {address.subpath!r}.")
    return Fetched(
        folder=top,
        address=_canonical(listing.name, listing.commit, address.subpath),
        revision=listing.commit,
        details=_details(listing, choice, kept, address, hub),
        notes=(choice.note,) if choice.note else (),
    )


class _Fetcher:
    """Brings files of one data set into the cache, each under the sum that the hub promises for it."""

    def __init__(
        self, hub: Hub, address: Address, options: SourceOptions, web: Web | None, listing: Listing
    ) -> None:
        assert options.cache is not None
        self._hub = hub
        self._address = address
        self._web = web
        self._listing = listing
        self._blobs = options.cache / "hub" / "blobs"

    def card(self) -> str:
        """The data set's README; empty where it has none, or none of a size to be read."""
        files = [file for file in self._listing.files if file.path == "README.md" and file.size < _CARD_BYTES]
        return self.one(files[0]).read_text(encoding="utf-8", errors="replace") if files else ""

    def all_of(self, files: tuple[HubFile, ...]) -> dict[str, Path]:
        """{path: where its bytes lie}. The first failure ends it; what has arrived stays in the cache.

        Raises:
            TargetError: A file cannot be had whole.
        """
        pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="honing-hub")
        try:
            return dict(zip((file.path for file in files), pool.map(self.one, files), strict=True))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def one(self, file: HubFile) -> Path:
        """Where one file's bytes lie, checked.

        Raises:
            TargetError: It cannot be had whole.
        """
        with boundary(TargetError, f"fetching {file.path}"), locked(self._blobs / _key(file)) as kept:
            if kept.is_file() and not _damage(kept, file):
                return kept
            if self._web is None:
                raise TargetError(
                    f"{self._address.shown!r}: HF_HUB_OFFLINE is set, and {file.path} is not in the cache."
                )
            part = kept.with_name(f"{kept.name}.part")
            try:
                url = self._hub.file_url(self._listing, file)
                self._web.download(url, part, auth=self._hub.auth, size=file.size)
            except RefusedError as error:
                raise refused(error, self._address, self._hub) from None
            if damage := _damage(part, file):
                part.unlink()
                raise TargetError(
                    f"{self._address.shown!r}: {file.path}: {damage}. Nothing of the data set is used; try "
                    "again."
                )
            return part.replace(kept)


def _key(file: HubFile) -> str:
    return file.sha256 or f"git-{file.oid}-{file.size}"


def _damage(path: Path, file: HubFile) -> str:
    """What is wrong with a file's bytes; empty where they are what the hub promises."""
    size = path.stat().st_size
    if size != file.size:
        return f"{size:,} bytes arrived, {file.size:,} were promised"
    if file.sha256:
        found = sha256_of(path)
        return "" if found == file.sha256 else f"its sha256 is {found}, {file.sha256} was promised"
    found = git_blob_hash(path)
    return "" if found == file.oid else f"its git hash is {found}, {file.oid} was promised"


def git_blob_hash(path: Path) -> str:
    """The name git gives to a file's bytes."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _lay_out(
    files: tuple[HubFile, ...], kept: dict[str, Path], folder: Path, address: Address, options: SourceOptions
) -> None:
    total = sum(file.size for file in files)
    limits = ContentLimits(
        total_bytes=total, file_bytes=options.max_file_bytes, entries=2 * options.max_files
    )
    writer = ContentWriter(folder, address.shown, limits)
    for file in files:
        with kept[file.path].open("rb") as source:
            writer.add_file(os.fsencode(file.path), iter(lambda: source.read(CHUNK_BYTES), b""))


def _details(
    listing: Listing, choice: Choice, kept: dict[str, Path], address: Address, hub: Hub
) -> dict[str, Any]:
    manifest = [
        {"path": file.path, "size": file.size, "sha256": file.sha256 or sha256_of(kept[file.path])}
        for file in choice.files
    ]
    return {
        "dataset": listing.name,
        "commit": listing.commit,
        "ref": address.ref,
        "subpath": address.subpath,
        "endpoint": hub.endpoint,
        "manifest": manifest,
        "left_out": [file.path for file in choice.left_out],
    }


def _canonical(name: str, commit: str, subpath: str) -> str:
    at = f"@{commit}" if commit else ""
    return f"hf:{name}{at}{'/' if subpath else ''}{quote(subpath)}"


def _mirrored(address: Address, place: Path) -> Fetched:
    folder = place / address.subpath
    if not folder.is_dir() or not folder.resolve().is_relative_to(place.resolve()):
        raise TargetError(f"{address.shown!r}: {place} holds no folder {address.subpath!r}.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    manifest = [
        {"path": path.relative_to(place).as_posix(), "size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in files
        if ".git" not in path.relative_to(place).parts
    ]
    return Fetched(
        folder=folder,
        address=_canonical(address.name, address.ref, address.subpath),
        revision=address.ref,
        details={
            "dataset": address.name,
            "ref": address.ref,
            "subpath": address.subpath,
            "manifest": manifest,
        },
        notes=(f"the mirror holds a plain folder, {place}: the hub does not vouch for it",),
    )
