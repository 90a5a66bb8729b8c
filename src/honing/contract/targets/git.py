"""A git repository at one commit. Nothing of it is run: objects are fetched, and written out as committed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from honing.contract.targets.addresses import Address, check_subpath
from honing.contract.targets.base import Fetched, SourceOptions
from honing.contract.targets.cache import locked
from honing.contract.targets.git_access import explained
from honing.contract.targets.git_content import list_content, write_content
from honing.contract.targets.git_program import Git, GitError
from honing.contract.targets.git_repository import FULL, Repository, open_repository
from honing.contract.targets.git_submodules import Modules, follow
from honing.contract.targets.local import content_limits
from honing.contract.targets.mirror import repository_in_mirror
from honing.contract.targets.writer import ContentWriter
from honing.errors import TargetError

_HEX = re.compile(r"[0-9a-f]{4,63}")


def fetch_git(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """The content of a repository's folder at one commit.

    Raises:
        TargetError: There is no such repository, commit or folder, or it holds what must not be written.
        MissingToolError: git is not installed.
    """
    url = address.url
    if options.mirror is not None:
        place, is_git = repository_in_mirror(options.mirror, address)
        if not is_git:
            return _plain(address, place)
        url = f"file://{place.resolve()}"
    repository = open_repository(url, address.credentials, Git(options), options)
    has_token = any(way.header for way in repository.ways)
    try:
        # Held while objects arrive, and no longer: a submodule may lead back to this repository.
        with locked(repository.folder):
            commit, subpath = _pinned(repository, address)
            repository.fetch(commit)
    except GitError as error:
        raise explained(error, address.shown, url, has_token=has_token, is_short=address.is_short) from error
    return _written(repository, address, (commit, subpath), staging, options)


def _plain(address: Address, place: Path) -> Fetched:
    """A mirror's folder without git: its ref is what its name says."""
    ref, _, path = address.ref.partition("/")
    subpath = check_subpath("/".join(part for part in (path, address.subpath) if part), address.shown)
    folder = place / subpath
    if not folder.is_dir() or not folder.resolve().is_relative_to(place.resolve()):
        raise TargetError(f"{address.shown!r}: {place} holds no folder {subpath!r}.")
    return Fetched(
        folder=folder,
        address=_canonical(address.url, ref, subpath),
        revision=ref if FULL.fullmatch(ref) else "",
        details={"repository": address.url, "ref": ref, "subpath": subpath},
        notes=(f"the mirror holds a plain folder, {place}: no commit vouches for it",),
    )


def _canonical(url: str, commit: str, subpath: str) -> str:
    inside = f"#subdirectory={quote(subpath)}" if subpath else ""
    return f"git+{url}{'@' if commit else ''}{commit}{inside}"


def _pinned(repository: Repository, address: Address) -> tuple[str, str]:
    """The full commit that is meant, and the folder in it. A full commit is not looked up: it may be there
    already.

    Raises:
        TargetError: Nothing or several things are meant.
        GitError: The server does not answer.
    """
    first, _, rest = address.ref.partition("/")
    if FULL.fullmatch(first):
        return first, _joined(rest, address)
    refs = repository.remote_refs()
    if not address.ref:
        if "HEAD" not in refs:
            raise TargetError(
                f"{address.shown!r}: the repository is empty, or has no default branch. Name one."
            )
        return refs["HEAD"], _joined("", address)
    names = address.ref.split("/")
    for end in range(len(names), 0, -1):
        commit = _named(refs, "/".join(names[:end]), address.shown)
        if commit:
            return commit, _joined("/".join(names[end:]), address)
    if _HEX.fullmatch(first):
        return _completed(repository, refs, first, address.shown), _joined(rest, address)
    raise TargetError(
        f"{address.shown!r}: no branch or tag {address.ref!r}. There are {_some(refs)}. A commit is named by "
        "its hash."
    )


def _joined(path: str, address: Address) -> str:
    return check_subpath("/".join(part for part in (path, address.subpath) if part), address.shown)


def _named(refs: Mapping[str, str], name: str, shown: str) -> str:
    """The commit of a branch or tag; empty where there is none.

    Raises:
        TargetError: A branch and a tag of that name differ.
    """
    full = [f"refs/tags/{name}^{{}}", f"refs/tags/{name}", f"refs/heads/{name}", f"refs/{name}", name]
    tag = next((refs[one] for one in full[:2] if one in refs), "")
    branch = refs.get(full[2], "")
    if tag and branch and tag != branch:
        raise TargetError(
            f"{shown!r}: {name!r} is a branch ({branch[:12]}) and a tag ({tag[:12]}). Write @heads/{name} or "
            f"@tags/{name}."
        )
    peeled = f"refs/{name}^{{}}" if name.startswith("tags/") else f"{name}^{{}}"
    return tag or branch or refs.get(peeled, "") or next((refs[one] for one in full[3:] if one in refs), "")


def _completed(repository: Repository, refs: Mapping[str, str], start: str, shown: str) -> str:
    found = {commit for commit in refs.values() if commit.startswith(start)}
    commits = {refs.get(f"{name}^{{}}", commit) for name, commit in refs.items() if commit in found}
    if len(commits) == 1:
        return commits.pop()
    try:
        return repository.find_short(start)
    except TargetError as error:
        if isinstance(error, GitError):
            raise
        raise TargetError(f"{shown!r}: {error}") from None


def _some(refs: Mapping[str, str]) -> str:
    names = [
        name.removeprefix("refs/heads/").removeprefix("refs/tags/")
        for name in refs
        if name.startswith(("refs/heads/", "refs/tags/")) and not name.endswith("^{}")
    ]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "") or "none"


def _written(
    repository: Repository, address: Address, at: tuple[str, str], staging: Path, options: SourceOptions
) -> Fetched:
    commit, subpath = at
    folder = staging / "content"
    folder.mkdir()
    writer = ContentWriter(folder, address.shown, content_limits(options))
    content = list_content(repository.git, repository.folder, commit, subpath)
    pointers = write_content(repository.git, repository.folder, content, writer, b"")
    modules = Modules(writer=writer, git=repository.git, options=options, shown=address.shown)
    follow(modules, repository, commit, (address.url, subpath, b""), content)
    details: dict[str, Any] = {
        "repository": address.url,
        "ref": address.ref,
        "commit": commit,
        "committed": repository.committed(commit),
        "subpath": subpath,
        "submodules": modules.seen,
        "lfs_pointers": pointers + modules.pointers,
    }
    return Fetched(
        folder=folder,
        address=_canonical(address.url, commit, subpath),
        revision=commit,
        details=details,
        notes=_notes(details),
    )


def _notes(details: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    if pointers := details["lfs_pointers"]:
        more = f" and {len(pointers) - 5} more" if len(pointers) > 5 else ""
        notes.append(
            f"not content but pointers to Git LFS: {', '.join(pointers[:5])}{more}. Clone with git-lfs and "
            "pass the folder if they are needed"
        )
    notes += [
        f"submodule {one['path']} was not fetched: {one['why']}"
        for one in details["submodules"]
        if not one["fetched"]
    ]
    return tuple(notes)
