"""A folder or an archive file of this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

from honing.contract.targets.addresses import ARCHIVES, Address
from honing.contract.targets.archives import unpack
from honing.contract.targets.base import Fetched, SourceOptions
from honing.contract.targets.writer import ContentLimits
from honing.errors import TargetError, boundary

DESIGNATIONS = "See docs/targets.md for every way to name a target."


def fetch_folder(address: Address) -> Fetched:
    """A folder as it lies there; it is only read.

    Raises:
        TargetError: There is none.
    """
    folder = Path(address.url)
    if not folder.exists():
        raise TargetError(
            f"{address.shown!r}: no such folder. Pass the folder of a benchmark or of a downloaded data set, "
            f"or an address. {DESIGNATIONS}"
        )
    if not folder.is_dir():
        raise TargetError(
            f"{address.shown!r} is a file; a target is a folder, or an archive ({', '.join(ARCHIVES[:4])} "
            "...). Put the file into a folder of its own."
        )
    return Fetched(folder=folder, address=str(folder.absolute()))


def fetch_archive_file(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """Unpack an archive file of this machine.

    Raises:
        TargetError: There is none, or it cannot be unpacked safely.
    """
    path = Path(address.url)
    if not path.is_file():
        raise TargetError(f"{address.shown!r}: no such file. {DESIGNATIONS}")
    return unpacked(path, staging, options, address=str(path.absolute()), where=address.shown)


def unpacked(archive: Path, staging: Path, options: SourceOptions, *, address: str, where: str) -> Fetched:
    """The content of an archive that lies on this disk, named by its sha256."""
    folder = staging / "content"
    folder.mkdir()
    digest = sha256_of(archive)
    top = unpack(archive, folder, content_limits(options), where=where)
    return Fetched(folder=top, address=address, revision=digest, details={"archive_sha256": digest})


def content_limits(options: SourceOptions) -> ContentLimits:
    """What a target may bring."""
    return ContentLimits(
        total_bytes=options.max_total_bytes, file_bytes=options.max_file_bytes, entries=options.max_files
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with boundary(TargetError, f"reading {path}"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(found: str, promised: str, where: str) -> None:
    """Refuse a file that is not what was promised.

    Raises:
        TargetError: It differs.
    """
    if promised and found != promised.lower():
        raise TargetError(
            f"{where}: its sha256 is {found}, expected {promised.lower()}. The download is damaged or is not "
            "the file that was meant; nothing of it is used."
        )
