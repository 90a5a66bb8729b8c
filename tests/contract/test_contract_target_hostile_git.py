"""Hostile repositories: whatever they hold, nothing of them runs, and only servers are asked that a user
could have named.

Each trick leaves the file `ran` behind where it works; the first test shows that the tricks are live.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from target_servers import CLEAN, blob, git, git_site, make_hostile_commit, make_repository, served
from target_sources import Source

from honing.contract import Target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "site" / "o" / "n.git"
    make_repository(folder, {"data.txt": "honest\n"})
    return folder


def program(tmp_path: Path) -> str:
    """A program that leaves a mark."""
    path = tmp_path / "trick"
    path.write_text(f"#!/bin/sh\necho ran >> {tmp_path / 'ran'}\ncat\n")
    path.chmod(0o755)
    return str(path)


def with_fsmonitor(repository: Path, trick: str) -> None:
    git("config", "core.fsmonitor", trick, folder=repository)


def with_hooks(repository: Path, trick: str) -> None:
    for name in ("post-checkout", "pre-receive", "reference-transaction", "post-index-change", "post-update"):
        shutil.copy(trick, repository / ".git" / "hooks" / name)


def with_filters(repository: Path, trick: str) -> None:
    for what in ("filter.x.smudge", "filter.x.clean", "diff.x.textconv", "merge.x.driver"):
        git("config", what, trick, folder=repository)
    make_repository(
        repository, {".gitattributes": "* filter=x diff=x merge=x text eol=crlf ident export-ignore\n"}
    )


def with_pack_hook(repository: Path, trick: str) -> None:
    git("config", "uploadpack.packObjectsHook", trick, folder=repository)


def with_a_promise(repository: Path, trick: str) -> None:
    """The repository says which program brings what is missing."""
    git("config", "remote.evil.url", f"ext::{trick}", folder=repository)
    git("config", "remote.evil.promisor", "true", folder=repository)
    git("config", "remote.evil.uploadpack", trick, folder=repository)
    git("config", "core.repositoryformatversion", "1", folder=repository)
    git("config", "extensions.partialClone", "evil", folder=repository)
    git("config", "protocol.ext.allow", "always", folder=repository)


def with_external_programs(repository: Path, trick: str) -> None:
    for what in ("core.sshCommand", "core.gitProxy", "core.askPass", "credential.helper", "diff.external",
                 "core.pager", "gpg.program", "core.editor", "core.alternateRefsCommand",
                 "alias.ls-tree"):  # fmt: skip
        git("config", what, f"!{trick}" if what.startswith(("alias", "cred")) else trick, folder=repository)


TRICKS = (with_fsmonitor, with_hooks, with_filters, with_pack_hook, with_a_promise, with_external_programs)


def test_the_tricks_are_live_where_a_repository_is_used_in_place(tmp_path: Path, repository: Path) -> None:
    with_fsmonitor(repository, program(tmp_path))

    subprocess.run(["git", "status"], cwd=repository, env=CLEAN, capture_output=True, check=False)
    status = (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink(missing_ok=True)
    with_filters(repository, program(tmp_path))
    (repository / "data.txt").unlink()
    subprocess.run(
        ["git", "checkout", "data.txt"], cwd=repository, env=CLEAN, capture_output=True, check=False
    )

    assert (status, (tmp_path / "ran").exists()) == (True, True)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_nothing_of_a_repository_runs(
    source: Source, tmp_path: Path, repository: Path, trick: Callable[[Path, str], None]
) -> None:
    trick(repository, program(tmp_path))
    (tmp_path / "ran").unlink(missing_ok=True)

    target = source.resolve(f"file://{repository}")

    assert not (tmp_path / "ran").exists()
    assert source.files(target)["data.txt"] == b"honest\n"


def test_a_missing_object_is_an_error_and_never_a_reason_to_ask_somebody(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with_a_promise(repository, program(tmp_path))
    name = blob(repository, b"honest\n")
    (repository / ".git" / "objects" / name[:2] / name[2:]).unlink()

    refusal = source.refused(f"file://{repository}")

    assert ("cannot be fetched" in refusal, (tmp_path / "ran").exists()) == (True, False)


def test_nothing_of_the_users_own_git_settings_counts(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    trick = program(tmp_path)
    (tmp_path / "templates" / "hooks").mkdir(parents=True)
    shutil.copy(trick, tmp_path / "templates" / "hooks" / "reference-transaction")
    hooks = f"[core]\n fsmonitor = {trick}\n hooksPath = {tmp_path}/templates/hooks\n"
    config = f"[init]\n templateDir = {tmp_path}/templates\n{hooks}"
    (tmp_path / ".gitconfig").write_text(config)
    variables = {
        "HOME": str(tmp_path),
        "GIT_TEMPLATE_DIR": f"{tmp_path}/templates",
        "GIT_EXTERNAL_DIFF": trick,
    }

    target = source.resolve(f"file://{repository}", variables=variables)

    assert not (tmp_path / "ran").exists()
    assert source.files(target) == {"data.txt": b"honest\n"}
    (cached,) = (tmp_path / "cache" / "git").glob("*.git")
    assert not (cached / "hooks").exists()


def test_a_link_and_a_folder_of_one_name_are_refused(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    link = blob(repository, str(tmp_path).encode())
    inner = git("mktree", folder=repository, stdin=f"100644 blob {blob(repository, b'x')}\tout\n".encode())
    for first, second in ((b"a", b"a"), (b"A", b"a")):
        make_hostile_commit(repository, [("120000", first, link), ("40000", second, inner)])
        assert "so nothing of it is used" in source.refused(f"file://{repository}")

    assert not (tmp_path / "out").exists()


def test_a_tree_that_unfolds_without_end_is_stopped(source: Source, repository: Path) -> None:
    """Ten folders, each ten times in the next one: 10^10 files in a kilobyte."""
    name = git("mktree", folder=repository, stdin=f"100644 blob {blob(repository, b'x')}\tf\n".encode())
    for _ in range(10):
        lines = "".join(f"040000 tree {name}\t{i}{'n' * 100}\n" for i in range(10))
        name = git("mktree", folder=repository, stdin=lines.encode())
    commit = git("commit-tree", name, "-m", "bomb", folder=repository)
    git("update-ref", "refs/heads/main", commit, folder=repository)

    assert "are the limit" in source.refused(f"file://{repository}")


SUBMODULE_TRICKS = {
    "runs a program": ("ext::./trick", "only https addresses are followed"),
    "is an option": ("--upload-pack=touch ran", "its address holds letters that no address has"),
    "is an option without spaces": ("-u./trick", "only https addresses are followed"),
    "is a local repository": ("file:///etc", "only https addresses are followed"),
    "is a path": ("/etc", "only https addresses are followed"),
    "is reached by ssh": ("ssh://-oProxyCommand=touch/x", "only https addresses are followed"),
    "is relative to a file": ("../../../other", "its address is relative to one that is not https"),
    "holds a password": ("https://user:pw@example.org/x", "its address holds a password or an option"),
    "holds an option": ("https://example.org/-x", "its address holds a password or an option"),
    "has no host": ("https://", "only https addresses are followed"),
    "is an unencrypted one": ("http://example.org/x", "only https addresses are followed"),
}


@pytest.mark.parametrize("trick", SUBMODULE_TRICKS)
def test_a_submodule_with_a_trick_is_recorded_and_not_followed(
    source: Source, tmp_path: Path, repository: Path, trick: str
) -> None:
    url, why = SUBMODULE_TRICKS[trick]
    commit = with_submodule(repository, "sub", url, "1" * 40)

    target = source.resolve(f"file://{repository}")

    (seen,) = target.details["submodules"]
    assert (seen["path"], seen["commit"], seen["fetched"], seen["why"]) == ("sub", "1" * 40, False, why)
    assert target.notes == (f"submodule sub was not fetched: {why}",)
    assert (target.commit, not list(tmp_path.rglob("ran"))) == (commit, True)


def with_submodule(repository: Path, path: str, url: str, commit: str, update: str = "!touch ran") -> str:
    """Commit a submodule without fetching it."""
    section = f'[submodule "x"]\n\tpath = {path}\n\turl = "{url}"\n\tupdate = "{update}"\n'
    (repository / ".gitmodules").write_text(section)
    git("add", ".gitmodules", folder=repository)
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}", folder=repository)
    git("commit", "-q", "-m", "submodule", folder=repository)
    return git("rev-parse", "HEAD", folder=repository)


def resolved_over_http(source: Source, site: Path, **more: Any) -> tuple[Target, list[str]]:
    with served(git_site(site)) as server:
        variables = {"GITHUB_TOKEN": "canary", "GH_HOST": server.place}
        target = source.resolve(f"{server.base}/o/n.git", variables=variables, **more)
    return target, server.authorizations


def test_a_submodule_beside_its_parent_is_fetched_at_its_commit(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    inner = make_repository(tmp_path / "site" / "o" / "inner.git", {"deep.txt": "deep\n"})
    with_submodule(tmp_path / "site" / "o" / "inner.git", "more", "ext::x", "1" * 40)
    outer = git("rev-parse", "HEAD", folder=tmp_path / "site" / "o" / "inner.git")
    with_submodule(repository, "libs/inner", "../inner.git", outer)

    target, _ = resolved_over_http(source, tmp_path / "site")

    files = source.files(target)
    assert (files["libs/inner/deep.txt"], inner != outer) == (b"deep\n", True)
    seen = {one["path"]: one["fetched"] for one in target.details["submodules"]}
    assert seen == {"libs/inner": True, "libs/inner/more": False}


def test_submodules_are_left_out_where_they_are_not_wanted(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with_submodule(repository, "inner", "../inner.git", "1" * 40)

    target, _ = resolved_over_http(source, tmp_path / "site", submodules=False)

    assert target.notes == ("submodule inner was not fetched: submodules are not wanted",)


def test_a_submodule_that_is_not_there_is_said_so(source: Source, tmp_path: Path, repository: Path) -> None:
    with_submodule(repository, "inner", "../inner.git", "1" * 40)

    target, authorizations = resolved_over_http(source, tmp_path / "site")

    assert target.notes[0].startswith(
        "submodule inner was not fetched: its server does not give it to a stranger"
    )
    assert authorizations == []


def test_a_repository_that_is_its_own_submodule_comes_to_an_end(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    first = git("rev-parse", "HEAD", folder=repository)
    with_submodule(repository, "self", "../n.git", first)
    for _ in range(7):
        with_submodule(repository, "self", "../n.git", git("rev-parse", "HEAD", folder=repository))

    target, _ = resolved_over_http(source, tmp_path / "site")

    depth = max(name.count("self/") for name in source.files(target))
    last = target.details["submodules"][-1]
    assert (depth, last["fetched"]) == (5, False)
    assert last["why"] == "too many submodules, or one inside the other too deep"


def test_a_submodule_may_not_be_written_through_a_link(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    (tmp_path / "aim").mkdir()
    inner = make_repository(tmp_path / "site" / "o" / "inner.git", {"out": "x"})
    link = blob(repository, str(tmp_path / "aim").encode())
    modules = blob(repository, b'[submodule "x"]\n\tpath = A/b\n\turl = ../inner.git\n')
    folder = git("mktree", "--missing", folder=repository, stdin=f"160000 commit {inner}\tb\n".encode())
    make_hostile_commit(
        repository, [("100644", b".gitmodules", modules), ("40000", b"A", folder), ("120000", b"a", link)]
    )

    with served(git_site(tmp_path / "site")) as server:
        refusal = source.refused(f"{server.base}/o/n.git")

    assert "so nothing of it is used" in refusal
    assert list((tmp_path / "aim").iterdir()) == []


def test_a_repository_that_reads_another_ones_objects_brings_no_more_than_its_own(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    """A clone copies what `objects/info/alternates` names; a fetch gives what the commit holds."""
    secret = tmp_path / "secret"
    make_repository(secret, {"secret.txt": "canary\n"})
    (repository / ".git" / "objects" / "info" / "alternates").write_text(f"{secret}/.git/objects\n")

    target = source.resolve(f"file://{repository}")

    assert source.files(target) == {"data.txt": b"honest\n"}


def test_instructions_for_coding_agents_are_listed_as_data(source: Source, repository: Path) -> None:
    names = ["AGENTS.md", "sub/CLAUDE.md", ".mcp.json", ".claude/hooks/x.sh", ".codex/config.toml",
             ".cursor/rules/a.mdc", ".github/copilot-instructions.md", "README.md",
             "docs/agents-guide.md"]  # fmt: skip
    make_repository(repository, dict.fromkeys(names, "obey me\n"))

    target = source.resolve(f"file://{repository}")

    assert target.details["agent_files"] == sorted(names[:7])
    assert set(names) <= set(source.files(target))
