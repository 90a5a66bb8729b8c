"""Submodules: recorded, and fetched where their address is one that a user could have given for a target."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from honing.contract.targets.addresses import is_loopback, without_secrets
from honing.contract.targets.base import SourceOptions
from honing.contract.targets.cache import locked
from honing.contract.targets.git_access import explained, is_network_failure
from honing.contract.targets.git_content import Content, list_content, write_content
from honing.contract.targets.git_program import Git, GitError
from honing.contract.targets.git_repository import Repository, open_repository
from honing.contract.targets.writer import ContentWriter

_MAX_DEPTH = 5
_MAX_COUNT = 100


@dataclass(slots=True, kw_only=True)
class Modules:
    """What is shared by all submodules of one target."""

    writer: ContentWriter
    git: Git
    options: SourceOptions
    shown: str
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Each submodule: path, url, commit, fetched, why."""
    pointers: list[str] = field(default_factory=list)


def follow(
    modules: Modules,
    repository: Repository,
    commit: str,
    place: tuple[str, str, bytes],
    content: Content,
    depth: int = 0,
) -> None:
    """Write the submodules of one commit, and theirs.

    Args:
        modules: Is added to.
        repository: Holds the commit.
        commit: Whose `.gitmodules` counts.
        place: The repository's address, the folder of it that was written, and where in the target that is.
        content: What was written.
        depth: How many submodules lie above.

    Raises:
        TargetError: A server could not be reached, or a path is refused.
    """
    if not content.submodules:
        return
    parent, subpath, below = place
    addresses = _addresses(modules.git, repository, commit)
    for path, pinned in sorted(content.submodules.items()):
        where = posixpath.join(below, path)
        asked = addresses.get(posixpath.join(subpath.encode(), path), "")
        url, why = _decide(asked, parent)
        if not why and (depth >= _MAX_DEPTH or len(modules.seen) >= _MAX_COUNT):
            why = "too many submodules, or one inside the other too deep"
        if not why and not modules.options.submodules:
            why = "submodules are not wanted"
        record = {
            "path": where.decode("utf-8", "backslashreplace"),
            "url": without_secrets(url or asked),
            "commit": pinned,
            "fetched": False,
            "why": why,
        }
        modules.seen.append(record)
        modules.writer.add_folder(where)
        if not why:
            record["why"] = _take(modules, url, pinned, where, depth)
            record["fetched"] = not record["why"]


def _take(modules: Modules, url: str, commit: str, where: bytes, depth: int) -> str:
    """Fetch and write one submodule; why not, where it cannot be had."""
    # A hostile target could name a private repository of the user's: no token is sent for a submodule.
    stranger = replace(modules.options, variables=_without_tokens(modules.options))
    repository = open_repository(url, "", modules.git, stranger)
    try:
        with locked(repository.folder):
            repository.fetch(commit)
    except GitError as error:
        if is_network_failure(error):
            raise explained(
                error, f"{modules.shown} (submodule {url})", url, has_token=False, is_short=False
            ) from error
        return f"its server does not give it to a stranger: {error.stderr[-200:]}"
    content = list_content(modules.git, repository.folder, commit, "")
    modules.pointers += write_content(modules.git, repository.folder, content, modules.writer, where)
    follow(modules, repository, commit, (url, "", where), content, depth + 1)
    return ""


def _without_tokens(options: SourceOptions) -> dict[str, str]:
    return {name: value for name, value in options.variables.items() if not name.endswith("_TOKEN")}


def _addresses(git: Git, repository: Repository, commit: str) -> dict[bytes, str]:
    """{path: url} of `.gitmodules`, read by git as data; empty where there is none."""
    command = ["config", f"--blob={commit}:.gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url)$"]
    try:
        found = git.run(command, repository.folder)
    except GitError:
        return {}
    paths: dict[bytes, bytes] = {}
    urls: dict[bytes, bytes] = {}
    for entry in filter(None, found.split(b"\0")):
        key, _, value = entry.partition(b"\n")
        name, _, what = key.rpartition(b".")
        (paths if what == b"path" else urls)[name] = value
    return {path: urls.get(name, b"").decode("utf-8", "replace") for name, path in paths.items()}


def _decide(url: str, parent: str) -> tuple[str, str]:
    """The address to fetch from, and why it is not followed (empty where it is)."""
    if not url:
        return "", ".gitmodules names no address"
    if url.startswith(("./", "../")):
        if urlsplit(parent).scheme not in {"https", "http"}:
            return "", "its address is relative to one that is not https"
        url = _relative(parent, url)
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        return "", "its address holds letters that no address has"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "", "its address cannot be read"
    fits = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host) and _on_loopback(parent))
    if not fits or "::" in url or host.startswith("-") or not host:
        return "", "only https addresses are followed"
    if "@" in parts.netloc or "/-" in parts.path or "/../" in f"{parts.path}/":
        return "", "its address holds a password or an option"
    return url.rstrip("/"), ""


def _on_loopback(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def _relative(parent: str, url: str) -> str:
    """A relative address counts from its parent's, name by name."""
    parts = urlsplit(parent)
    names = [name for name in parts.path.split("/") if name]
    for name in url.split("/"):
        if name == "..":
            names = names[:-1] if names else [".."]
        elif name not in ("", "."):
            names.append(name)
    return parts._replace(path="/" + "/".join(names)).geturl()
