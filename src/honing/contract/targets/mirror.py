"""A folder that stands for the network, so that an address means the same without one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from honing.contract.targets.addresses import Address
from honing.errors import TargetError


def archive_in_mirror(mirror: Path, address: Address) -> Path:
    """The file MIRROR/HOST/PATH.

    Raises:
        TargetError: The mirror does not hold it.
    """
    parts = urlsplit(address.url)
    path = mirror / (parts.hostname or "") / _inside(unquote(parts.path))
    if not path.is_file():
        raise missing(mirror, address, path)
    return path


def repository_in_mirror(mirror: Path, address: Address) -> tuple[Path, bool]:
    """The repository MIRROR/HOST/PATH or MIRROR/HOST/PATH.git, or a plain folder MIRROR/HOST/PATH[@REF].

    Returns:
        Where it is, and whether it is a git repository.

    Raises:
        TargetError: The mirror does not hold it, or holds a plain folder that is not at the asked ref.
    """
    parts = urlsplit(address.url)
    base = _inside(unquote(parts.path)).removesuffix(".git")
    place = mirror / (parts.hostname or "") / base
    bare = place.with_name(f"{place.name}.git")
    for folder in (bare, place):
        if (folder / ".git").exists() or (folder / "HEAD").is_file():
            return folder, True
    named = place.with_name(f"{place.name}@{address.ref.partition('/')[0]}") if address.ref else place
    if not named.is_dir():
        raise missing(mirror, address, bare)
    return named, False


def dataset_in_mirror(mirror: Path, address: Address) -> Path:
    """The folder MIRROR/huggingface.co/datasets/NAMESPACE/NAME[@REVISION].

    Raises:
        TargetError: The mirror does not hold it.
    """
    place = mirror / "huggingface.co" / "datasets" / _inside(address.name)
    named = place.with_name(f"{place.name}@{address.ref.replace('/', '_')}") if address.ref else place
    if not named.is_dir():
        raise missing(mirror, address, named)
    return named


def packages_in_mirror(mirror: Path, address: Address, normal_name: str) -> Path:
    """The folder MIRROR/pypi/NAME with source distributions.

    Raises:
        TargetError: The mirror does not hold it.
    """
    for name in dict.fromkeys((normal_name, address.name)):
        if (mirror / "pypi" / name).is_dir():
            return mirror / "pypi" / name
    raise missing(mirror, address, mirror / "pypi" / normal_name)


def missing(mirror: Path, address: Address, expected: Path) -> TargetError:
    """What is not in the mirror does not exist: the network is not asked in its place."""
    return TargetError(
        f"{address.shown!r} is not in the mirror {mirror}: there is no {expected}. Put it there "
        "(docs/targets.md says how), or unset HONING_MIRROR to use the network."
    )


def _inside(path: str) -> str:
    names = [name for name in path.split("/") if name]
    if not names or ".." in names or "." in names:
        raise TargetError(f"{path!r} is no place in a mirror.")
    return "/".join(names)
