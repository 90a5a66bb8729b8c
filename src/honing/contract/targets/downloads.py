"""An archive behind an https address."""

from __future__ import annotations

import hashlib
from pathlib import Path

from honing.contract.targets.addresses import Address
from honing.contract.targets.base import Fetched, SourceOptions
from honing.contract.targets.local import check_sha256, sha256_of, unpacked
from honing.contract.targets.mirror import archive_in_mirror
from honing.contract.targets.network import Authorization, RefusedError, Web
from honing.errors import TargetError


def fetch_archive(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """Download an archive and unpack it. One whose sha256 stands in the address is not downloaded twice.

    Raises:
        TargetError: It cannot be had, is not what its sha256 promises, or cannot be unpacked safely.
    """
    if options.mirror is not None:
        archive = archive_in_mirror(options.mirror, address)
    else:
        archive = _downloaded(address, options)
    digest = sha256_of(archive)
    check_sha256(digest, address.sha256, address.shown)
    return unpacked(archive, staging, options, address=f"{address.url}#sha256={digest}", where=address.shown)


def _downloaded(address: Address, options: SourceOptions) -> Path:
    assert options.cache is not None
    folder = options.cache / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / address.sha256
    if address.sha256 and kept.is_file():
        return kept
    part = folder / f"{hashlib.sha256(address.url.encode()).hexdigest()}.part"
    # Without a checksum nothing says whether what an earlier process left is still part of the same file.
    if not address.sha256:
        part.unlink(missing_ok=True)
    with Web(options) as web:
        try:
            web.download(address.url, part, auth=Authorization.basic(address.credentials, address.url))
        except RefusedError as error:
            raise TargetError(f"{address.shown!r} cannot be downloaded: HTTP {error.status}.") from None
    return keep(part, folder, address.sha256, address.shown)


def keep(part: Path, folder: Path, promised: str, where: str) -> Path:
    """Give a download its sha256 as its name, once it is what was promised.

    Raises:
        TargetError: It is not; the download is removed.
    """
    digest = sha256_of(part)
    try:
        check_sha256(digest, promised, where)
    except TargetError:
        part.unlink()
        raise
    return part.replace(folder / digest)
