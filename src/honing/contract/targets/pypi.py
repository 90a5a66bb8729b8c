"""The source distribution of a package: what its authors published, checked against the index's sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from honing.contract.targets.addresses import Address, without_secrets
from honing.contract.targets.base import Fetched, SourceOptions
from honing.contract.targets.cache import locked
from honing.contract.targets.downloads import keep
from honing.contract.targets.local import check_sha256, sha256_of, unpacked
from honing.contract.targets.mirror import packages_in_mirror
from honing.contract.targets.network import RefusedError, Web
from honing.contract.targets.package_index import (
    Release,
    in_folder,
    index_of,
    login_of,
    releases,
    without_login,
)
from honing.errors import TargetError, boundary
from honing.store import json_bytes, parse_json, write_atomic


def fetch_package(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """The source distribution of one version, unpacked. Nothing of it is built or installed.

    Raises:
        TargetError: There is no such package or version, it has no source distribution, it was withdrawn, or
            what arrives is not what the index promises.
    """
    name = canonicalize_name(address.name)
    archive, chosen, index = _archive(address, name, options)
    where = f"{address.shown} ({chosen['filename']})"
    version = str(chosen["version"])
    fetched = unpacked(archive, staging, options, address=f"pypi:{name}=={version}", where=where)
    notes = (f"version {version} was withdrawn: {chosen['yanked']}",) if chosen["yanked"] is not None else ()
    details = {
        "package": name,
        "version": version,
        "filename": chosen["filename"],
        "index": without_secrets(index),
        "manifest": [
            {"path": chosen["filename"], "sha256": fetched.revision, "size": archive.stat().st_size}
        ],
        "yanked": chosen["yanked"],
    }
    return Fetched(
        folder=fetched.folder,
        address=fetched.address,
        revision=version,
        details=details,
        notes=notes,
    )


def _archive(address: Address, name: str, options: SourceOptions) -> tuple[Path, dict[str, str | None], str]:
    """The file on this disk, what it is, and the index it came from."""
    if options.mirror is not None:
        folder = packages_in_mirror(options.mirror, address, name)
        release = choose(in_folder(folder, name), address)
        assert release.path is not None
        return release.path, _record(release), folder.absolute().as_uri()
    assert options.cache is not None
    index = index_of(options.variables)
    place = hashlib.sha256(f"{index}\n{name}\n{address.ref}".encode()).hexdigest()[:32]
    with locked(options.cache / "pypi" / f"{place}.json") as entry:
        known = _known(entry) if address.ref else None
        if known is not None:
            return entry.parent / str(known["sha256"]), known, index
        archive, record = _downloaded(address, name, index, entry.parent, options)
        if address.ref:
            write_atomic(entry, json_bytes(record))
        return archive, record, index


def _known(entry: Path) -> dict[str, str | None] | None:
    """What a pinned version was found to be earlier, where its file is still there and whole."""
    if not entry.is_file():
        return None
    with boundary(TargetError, f"reading {entry}"):
        record: dict[str, str | None] = parse_json(entry.read_bytes(), where=str(entry))
    archive = entry.parent / str(record["sha256"])
    return record if archive.is_file() and sha256_of(archive) == record["sha256"] else None


def _downloaded(
    address: Address, name: str, index: str, folder: Path, options: SourceOptions
) -> tuple[Path, dict[str, str | None]]:
    with ExitStack() as stack:
        web = None if index.startswith("file:") else stack.enter_context(Web(options))
        release = choose(releases(index, name, web), address)
        if release.path is not None:
            digest = sha256_of(release.path)
            check_sha256(digest, release.sha256, f"{address.shown} ({release.filename})")
            return release.path, _record(release, digest)
        if not release.sha256:
            raise TargetError(
                f"{address.shown!r}: the index gives no sha256 for {release.filename}, so nothing vouches "
                "for what would arrive. Download it yourself and pass the file."
            )
        assert web is not None
        archive = _bytes_of(release, index, folder, web, address)
    return archive, _record(release)


def _bytes_of(release: Release, index: str, folder: Path, web: Web, address: Address) -> Path:
    with locked(folder / release.sha256) as kept:
        if kept.is_file() and sha256_of(kept) == release.sha256:
            return kept
        part = folder / f"{release.sha256}.part"
        try:
            web.download(without_login(release.url), part, auth=login_of(index), size=release.size)
        except RefusedError as error:
            raise TargetError(f"{address.shown!r}: {release.filename}: HTTP {error.status}.") from None
        return keep(part, folder, release.sha256, f"{address.shown} ({release.filename})")


def _record(release: Release, sha256: str = "") -> dict[str, str | None]:
    return {
        "filename": release.filename,
        "version": str(release.version),
        "sha256": sha256 or release.sha256,
        "yanked": release.yanked,
    }


def choose(found: Sequence[Release], address: Address) -> Release:
    """The source distribution that is meant: of the version asked for, else of the newest that was not
    withdrawn.

    Raises:
        TargetError: There is none; the text names what there is.
    """
    version = _wanted(found, address)
    files = [release for release in found if release.version == version]
    sdists = [release for release in files if release.is_sdist]
    if not sdists:
        others = sorted({release.version for release in found if release.is_sdist})
        step = "No version has one: use its repository"
        if others:
            step = f"pypi:{address.name}=={others[-1]} has one"
        raise TargetError(
            f"{address.shown!r}: version {version} has no source distribution, only "
            f"{', '.join(release.filename for release in files[:5])}. {step}."
        )
    # Both forms hold the same; the tar is the one that today's tools write.
    return min(sdists, key=lambda release: (not release.filename.endswith(".tar.gz"), release.filename))


def _wanted(found: Sequence[Release], address: Address) -> Version:
    if not found:
        raise TargetError(f"{address.shown!r}: the index lists no files of this package.")
    versions = sorted({release.version for release in found})
    if address.ref:
        try:
            version = Version(address.ref)
        except InvalidVersion:
            raise TargetError(f"{address.shown!r}: {address.ref!r} is no version.") from None
        if version not in versions:
            raise TargetError(
                f"{address.shown!r}: there is no version {version}; the newest are "
                f"{', '.join(map(str, versions[-5:]))}."
            )
        return version
    usable = sorted({release.version for release in found if release.yanked is None})
    if not usable:
        raise TargetError(
            f"{address.shown!r}: every version was withdrawn. Name one to use it all the same: "
            f"pypi:{address.name}=={versions[-1]}."
        )
    return next((version for version in reversed(usable) if not version.is_prerelease), usable[-1])
