"""Which parts of the host a command sees: the caller's mounts, and the public part of the system."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from honing.errors import SandboxError
from honing.sandbox.base import Command, Mount, Network

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs and libraries. Those that are links on the host (/bin to usr/bin) are links inside."""

ETC_FILES = (
    "debian_version", "ld.so.cache", "localtime", "magic", "mime.types", "os-release", "protocols",
    "services", "shells", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
ETC_FOLDERS = (
    "R", "alternatives", "chromium.d", "crypto-policies", "fonts", "java*", "perl", "pki/ca-trust", "pki/tls",
    "ssl/certs",
)  # fmt: skip
"""What programs need of /etc and what holds no secret (patterns). /etc/ssl/private, for one, is not here."""
NETWORK_ETC = ("gai.conf", "hosts", "resolv.conf")
"""Further files a command with an open network needs."""

OWN_ETC = Path(__file__).parent / "etc"
"""Files that replace the host's: passwd and group know two names, hosts one: nothing of this machine."""


@dataclass(frozen=True, slots=True)
class Bind:
    """One path made visible: both absolute, the source free of symbolic links."""

    source: str
    inside: str
    writable: bool = False


def resolve(mounts: Iterable[Mount]) -> list[Bind]:
    """The binds for a command's mounts, parents before their children.

    A source that is reached through symbolic links appears under both names, the given one and the real one,
    so that scripts which wrote down either still work.

    Raises:
        SandboxError: A source does not exist, or a mount would cover the system.
    """
    binds = []
    for mount in mounts:
        try:
            real = os.path.realpath(mount.source, strict=True)
        except OSError as error:
            raise SandboxError(
                f"mount {mount.source}: cannot be resolved ({error.strerror}). "
                "Create the folder before the command is run, or leave the mount out."
            ) from error
        names = [str(mount.inside)] if mount.inside is not None else [absolute(mount.source), real]
        for name in dict.fromkeys(names):
            _check_inside(name)
            binds.append(Bind(real, name, mount.writable))
    return sorted(binds, key=lambda bind: len(PurePosixPath(bind.inside).parts))


def absolute(path: Path) -> str:
    """The path from the root without `.` and `..`, symbolic links left as they are."""
    return os.path.normpath(path.absolute())


def _check_inside(name: str) -> None:
    if not name.startswith("/") or os.path.normpath(name) != name:
        raise SandboxError(f"mount at {name!r}: the path inside must be absolute and without '..'")
    if name in ("/", "/proc", "/dev", "/etc", "/tmp", "/dev/shm", *SYSTEM_FOLDERS):
        raise SandboxError(
            f"mount at {name}: would cover a folder that every command has; mount below it instead"
        )


def check_workdir(command: Command, binds: Sequence[Bind]) -> None:
    """Refuse a working folder that no mount makes visible.

    Raises:
        SandboxError: It lies below none of the mounts.
    """
    workdir = PurePosixPath(absolute(command.workdir))
    if not any(workdir.is_relative_to(bind.inside) for bind in binds):
        seen = ", ".join(bind.inside for bind in binds) or "none"
        raise SandboxError(
            f"working folder {workdir}: lies below none of the command's mounts ({seen}); mount it"
        )


def writable_sources(binds: Iterable[Bind]) -> list[str]:
    """Host folders the command can write to, without those inside another."""
    found: list[str] = []
    for source in sorted({bind.source for bind in binds if bind.writable}):
        if not any(PurePosixPath(source).is_relative_to(parent) for parent in found):
            found.append(source)
    return found


def etc_files(network: Network) -> list[Bind]:
    """The files of /etc as this command sees it: the host's public ones, ours for the private."""
    names = ETC_FILES + (NETWORK_ETC if network is Network.OPEN else ())
    files = [Bind(f"/etc/{name}", f"/etc/{name}") for name in names if Path("/etc", name).is_file()]
    own = [Bind(str(file), f"/etc/{file.name}") for file in sorted(OWN_ETC.iterdir())]
    given = {bind.inside for bind in files}
    return files + [bind for bind in own if bind.inside not in given]


def etc_folders() -> list[Bind]:
    """The public folders of /etc."""
    folders = [str(path) for name in ETC_FOLDERS for path in sorted(Path("/etc").glob(name)) if path.is_dir()]
    return [Bind(os.path.realpath(folder), folder) for folder in folders]


def interpreter_binds() -> list[Bind]:
    """What the bridge needs to run inside: the interpreter's installation, no virtual environment."""
    prefix = os.path.realpath(sys.base_prefix)
    if PurePosixPath(prefix).is_relative_to("/usr"):
        return []
    return [Bind(prefix, prefix)]


def interpreter() -> str:
    """The real program behind `sys.executable`, which lies below `interpreter_binds`."""
    return os.path.realpath(sys.executable)


def python_mounts() -> tuple[Mount, ...]:
    """The read-only mounts with which `sys.executable` runs inside, wherever it is installed (also below a
    home).

    The virtual environment (or the prefix) and the installation it was made from. An editable install's
    source folder is not among them: mount it as well where the command imports it.
    """
    mounts = []
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
        if not PurePosixPath(os.path.realpath(prefix)).is_relative_to("/usr"):
            mounts.append(Mount(Path(prefix)))
    return tuple(mounts)
