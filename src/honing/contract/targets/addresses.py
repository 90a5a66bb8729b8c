"""How a target may be named: an address is read once, here, and holds no secret that can be printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from honing.contract.targets.base import TargetKind
from honing.errors import TargetError

ARCHIVES = (".zip", ".whl", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Endings of files that are unpacked."""
HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_PYPI_HOSTS = frozenset({"pypi.org", "www.pypi.org", "pypi.python.org"})
_TWO_PART_HOSTS = frozenset({"github.com", "www.github.com", "bitbucket.org", "codeberg.org"})
"""Where a repository is always OWNER/NAME, so that what follows is a path in it."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SHORT = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*(@\S+)?")
_SCP = re.compile(r"(?P<user>[\w][\w.-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^\s]+)")
_SECRET_VALUE = re.compile(
    r"([?&](?:[\w-]*token|[\w-]*key|password|sig|[\w-]*signature)=)[^&#]*", re.IGNORECASE
)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9a-fA-F:]+\]?")
_WEB_FOLDER = re.compile(
    r"/(?:-/)?(?:tree|blob|raw)/|/src/(?:branch|tag|commit)/|/(?:-/)?commits?/|/releases/tag/"
)
_REF = re.compile(r"(?!-)(?!.*(\.\.|@\{|//))[^\x00-\x20\x7f~^:?*\[\\]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a target lies."""

    kind: TargetKind
    shown: str
    """As the user gave it, without secrets."""
    url: str = ""
    """Where it is fetched from, without secrets; a path where the kind is folder or a local archive."""
    name: str = ""
    """Of a package or a data set."""
    ref: str = ""
    """Version, revision, branch, tag or commit that was asked for; followed by a path where `with_path`."""
    with_path: bool = False
    """Whether `ref` may go on with a path: only the repository's list of branches and tags can tell."""
    subpath: str = ""
    """Folder inside that is the target."""
    credentials: str = field(default="", repr=False)
    """`user:password` of the address, for its own host only."""
    config: str | None = None
    split: str | None = None
    sha256: str = ""
    """What a download must be."""
    is_short: bool = False
    """Whether OWNER/NAME was completed."""


def parse_address(
    text: str, *, is_there: Callable[[str], bool] = lambda text: Path(text).exists()
) -> Address:
    """Read what the user named as the target.

    Args:
        text: A path, an address, `pypi:NAME`, `hf:NS/NAME` or OWNER/NAME.
        is_there: Whether a path exists; what exists is never taken for OWNER/NAME.

    Raises:
        TargetError: It is none of these, or of a kind that is refused.
    """
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise TargetError(f"{text!r} names no target: expected a folder or an address. See docs/targets.md.")
    text = text.strip()
    if text.startswith("pypi:"):
        return _package(text, text[5:].removeprefix("//"))
    if text.startswith(("hf:", "hf://")):
        return _hub_short(text)
    if _SCP.fullmatch(text):
        return _scp(text)
    if re.match(r"[A-Za-z][\w+.-]*:(:|//)", text):
        return _remote(text)
    if is_there(str(Path(text).expanduser())):
        return _local(text)
    if _SHORT.fullmatch(text):
        return _short(text)
    return _local(text)


def is_remote(text: str) -> bool:
    """Whether a text is an address and not a path. OWNER/NAME counts as a path here."""
    prefixed = text.startswith(("pypi:", "hf:"))
    return prefixed or bool(re.match(r"[A-Za-z][\w+.-]*:(:|//)", text)) or bool(_SCP.fullmatch(text))


def without_secrets(text: str) -> str:
    """An address without what stands before its host, but for the user of ssh."""
    if text.startswith(("ssh://", "git+ssh://")):
        return re.sub(r"://([^/@:]*):[^/@]*@", r"://\1@", text)
    return _SECRET_VALUE.sub(r"\1...", re.sub(r"(?<=://)[^/]*@(?=[^/@])", "", text))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where no certificate is needed."""
    return host.strip("[]") in _LOOPBACK


def check_ref(ref: str, shown: str) -> str:
    """A branch, tag or commit that git can be given.

    Raises:
        TargetError: It cannot be one; a leading dash would be an option.
    """
    if ref and not _REF.fullmatch(ref):
        raise TargetError(f"{shown}: {ref!r} is no branch, tag or commit. Name one after the @.")
    return ref


def check_subpath(path: str, shown: str) -> str:
    """A folder inside a target, `/` between names, none at the ends.

    Raises:
        TargetError: It leads out of the target.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names or any(name.casefold() == ".git" for name in names):
        raise TargetError(f"{shown}: the folder {path!r} does not lie inside the target.")
    return "/".join(names)


def _local(text: str) -> Address:
    kind = TargetKind.ARCHIVE if text.lower().endswith(ARCHIVES) else TargetKind.FOLDER
    path = Path(text).expanduser()
    if kind is TargetKind.ARCHIVE and path.is_dir():
        kind = TargetKind.FOLDER
    return Address(kind=kind, shown=text, url=str(path))


def _short(text: str) -> Address:
    repository, _, ref = text.partition("@")
    return Address(
        kind=TargetKind.GIT,
        shown=text,
        url=f"https://github.com/{repository.removesuffix('.git')}",
        ref=check_ref(ref, text),
        with_path=True,
        is_short=True,
    )


def _scp(text: str) -> Address:
    match = _SCP.fullmatch(text)
    assert match is not None
    path, _, ref = match["path"].partition("@")
    if path.startswith("-") or match["host"].startswith("-"):
        raise TargetError(f"{text!r}: a name that starts with a dash is an option, not an address.")
    url = f"ssh://{match['user']}@{match['host']}/{path.lstrip('/')}"
    return Address(kind=TargetKind.GIT, shown=text, url=url, ref=check_ref(ref, text), with_path=True)


def _package(shown: str, text: str) -> Address:
    match = re.fullmatch(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:==([A-Za-z0-9][\w.!+-]*))?/?", text.strip())
    if match is None:
        raise TargetError(
            f"{shown!r}: expected pypi:NAME or pypi:NAME==VERSION. Extras and version ranges are not taken: "
            "a target is one source distribution."
        )
    return Address(kind=TargetKind.PYPI, shown=shown, name=match[1], ref=match[2] or "")


def _hub_short(text: str) -> Address:
    rest = text.removeprefix("hf:").removeprefix("//")
    if rest.startswith(("models/", "spaces/")):
        raise _not_a_dataset(text, rest)
    name, _, after = rest.removeprefix("datasets/").partition("@")
    ref, path = after, ""
    if after.startswith(("refs/convert/", "refs/pr/")):
        parts = after.split("/")
        ref, path = "/".join(parts[:3]), "/".join(parts[3:])
    elif after:
        ref, _, path = after.partition("/")
    else:
        parts = name.split("/")
        name, path = "/".join(parts[:2]), "/".join(parts[2:])
    return _dataset(text, name, ref=ref, path=path)


def _dataset(shown: str, name: str, *, ref: str = "", path: str = "", query: str = "") -> Address:
    if not re.fullmatch(r"[\w][\w.-]*(/[\w][\w.-]*)?", name):
        raise TargetError(f"{shown!r}: expected hf:NAMESPACE/NAME, found the name {name!r}.")
    asked = parse_qs(query)
    return Address(
        kind=TargetKind.DATASET,
        shown=without_secrets(shown),
        name=name,
        ref=check_ref(unquote(ref), shown),
        subpath=check_subpath(unquote(path), shown),
        config=asked.get("config", [None])[0],
        split=asked.get("split", [None])[0],
    )


def _remote(text: str) -> Address:
    shown = without_secrets(text)
    parts = _split(text.removeprefix("git+"), shown)
    if parts.scheme not in {"https", "http", "ssh", "file"}:
        raise TargetError(
            f"{shown!r}: {parts.scheme or 'such'} addresses are refused; expected https, ssh or file. "
            "See docs/targets.md."
        )
    if parts.scheme == "file":
        return _file(shown, parts)
    if parts.scheme == "ssh":
        return _repository(shown, parts)
    return _web(shown, parts, is_git=text.startswith("git+"))


def _split(text: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise TargetError(f"{shown!r} is no address: {error}.") from None
    if "::" in text.partition("//")[0]:
        raise TargetError(
            f"{shown!r}: such addresses run a program of their choice and are refused. Use https."
        )
    if parts.scheme != "file" and not _HOST.fullmatch(parts.hostname or ""):
        raise TargetError(f"{shown!r} names no host. Expected https://HOST/PATH.")
    return parts


def _web(shown: str, parts: SplitResult, *, is_git: bool) -> Address:
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise TargetError(f"{shown!r}: over http anybody on the way can change what arrives. Use https.")
    if host in HUB_HOSTS and not is_git:
        return _hub_page(shown, parts)
    if host in _PYPI_HOSTS:
        words = [word for word in parts.path.split("/") if word]
        if words[:1] != ["project"] or len(words) not in (2, 3):
            raise TargetError(f"{shown!r}: expected https://pypi.org/project/NAME/ or pypi:NAME.")
        return _package(shown, "==".join(words[1:]))
    if parts.path.lower().endswith(ARCHIVES) and not is_git:
        return Address(
            kind=TargetKind.ARCHIVE,
            shown=shown,
            url=parts._replace(netloc=_netloc(parts), fragment="").geturl(),
            credentials=_credentials(parts),
            sha256=_fragment(parts, "sha256").lower(),
        )
    return _repository(shown, parts)


def _hub_page(shown: str, parts: SplitResult) -> Address:
    words = [word for word in parts.path.split("/") if word]
    if words[:1] != ["datasets"] or len(words) < 2:
        raise _not_a_dataset(shown, parts.path)
    words = words[1:]
    split = next((at for at, word in enumerate(words) if word in {"tree", "blob", "resolve", "viewer"}), None)
    name = "/".join(words[:split] if split is not None else words[:2])
    rest = [] if split is None else words[split + 1 :]
    if split is not None and words[split] == "viewer":
        query = "&".join(f"{key}={value}" for key, value in zip(("config", "split"), rest, strict=False))
        return _dataset(shown, name, query=query)
    taken = 3 if rest[:2] in (["refs", "convert"], ["refs", "pr"]) else 1
    return _dataset(shown, name, ref="/".join(rest[:taken]), path="/".join(rest[taken:]), query=parts.query)


def _not_a_dataset(shown: str, path: str) -> TargetError:
    what = "a space" if path.strip("/").startswith("spaces/") else "a model"
    return TargetError(
        f"{shown!r} is {what} of the hub; a target is a data set: "
        "https://huggingface.co/datasets/NAMESPACE/NAME. A model is what is measured: give it with --llm."
    )


def _file(shown: str, parts: SplitResult) -> Address:
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/"):
        raise TargetError(f"{shown!r}: expected file:///PATH, a git repository of this machine.")
    ref = ""
    if not Path(path).exists() and "@" in path:
        path, _, ref = path.partition("@")
    return Address(
        kind=TargetKind.GIT,
        shown=shown,
        url=f"file://{path.rstrip('/')}",
        ref=check_ref(ref, shown),
        with_path=True,
        subpath=check_subpath(_fragment(parts, "subdirectory"), shown),
    )


def _repository(shown: str, parts: SplitResult) -> Address:
    """A git address: REPOSITORY[@REF][/PATH], or the page of a folder at a branch, tag or commit."""
    path, ref, subpath = unquote(parts.path).rstrip("/"), "", _fragment(parts, "subdirectory")
    page = _WEB_FOLDER.search(path)
    pull = re.search(r"/(?:pull|-/merge_requests)/(\d+)(/.*)?$", path)
    if "@" in path and (page is None or path.index("@") < page.start()):
        path, _, ref = path.partition("@")
    elif pull is not None:
        ref = f"refs/{'merge-requests' if '/-/' in pull[0] else 'pull'}/{pull[1]}/head"
        path = path[: pull.start()]
    elif page is not None:
        path, ref = path[: page.start()], path[page.end() :]
    else:
        path, inner = _split_repository(path, parts.hostname or "")
        subpath = subpath or inner
    if path.count("/") < 1 or path.strip("/") == "" or "/-" in path:
        raise TargetError(f"{shown!r} names no repository. Expected https://HOST/OWNER/NAME.")
    keep_user = parts.scheme == "ssh" and parts.username
    netloc = f"{parts.username}@{_netloc(parts)}" if keep_user else _netloc(parts)
    return Address(
        kind=TargetKind.GIT,
        shown=shown,
        url=f"{parts.scheme}://{netloc}{path.removesuffix('.git') if _is_known(parts) else path}",
        ref=check_ref(ref, shown),
        with_path=True,
        subpath=check_subpath(subpath, shown),
        credentials="" if keep_user else _credentials(parts),
    )


def _split_repository(path: str, host: str) -> tuple[str, str]:
    """The repository and what follows it: after `.git`, or after OWNER/NAME where every repository is
    that."""
    head, dot_git, tail = path.partition(".git/")
    if dot_git:
        return f"{head}.git", tail
    if host in _TWO_PART_HOSTS:
        names = path.split("/")
        return "/".join(names[:3]), "/".join(names[3:])
    return path, ""


def _is_known(parts: SplitResult) -> bool:
    return (parts.hostname or "") in _TWO_PART_HOSTS


def _netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def _credentials(parts: SplitResult) -> str:
    return unquote(parts.netloc.rpartition("@")[0])


def _fragment(parts: SplitResult, name: str) -> str:
    return unquote(parse_qs(parts.fragment).get(name, [""])[0])
