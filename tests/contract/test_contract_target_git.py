"""Git targets over file and smart HTTP: what is meant, that it is pinned, and what is kept for next time."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from target_servers import (
    CERTIFICATE,
    Answer,
    Asked,
    Loopback,
    behind_login,
    blob,
    git,
    git_site,
    make_hostile_commit,
    make_repository,
    served,
)
from target_sources import Source

from honing.contract import TargetKind


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits on main, tag v1 (annotated) at the first, branch feature/x with a file of its own."""
    folder = tmp_path_factory.mktemp("made") / "n.git"
    make_repository(folder, {"README.md": "one\n", "sub/data.txt": "first\n"})
    git("tag", "-a", "v1", "-m", "first", folder=folder)
    git("checkout", "-q", "-b", "feature/x", folder=folder)
    make_repository(folder, {"sub/extra.txt": "x\n"}, message="extra")
    git("checkout", "-q", "main", folder=folder)
    make_repository(folder, {"sub/data.txt": "second\n"}, message="second")
    return folder


@pytest.fixture
def repository(tmp_path: Path, made: Path) -> Path:
    """A copy of that repository which a test may change."""
    return shutil.copytree(made, tmp_path / "site" / "o" / "n.git")


@pytest.fixture
def server(tmp_path: Path, repository: Path) -> Iterator[Loopback]:
    with served(git_site(tmp_path / "site")) as loopback:
        yield loopback


def commit_of(repository: Path, name: str) -> str:
    return git("rev-parse", f"{name}^{{commit}}", folder=repository)


FIRST = {"README.md": b"one\n", "sub/data.txt": b"first\n"}
SECOND = {"README.md": b"one\n", "sub/data.txt": b"second\n"}
EXTRA = {**FIRST, "sub/extra.txt": b"x\n"}


@pytest.mark.parametrize(
    ("asked", "name", "files"),
    [
        ("", "main", SECOND),
        ("@main", "main", SECOND),
        ("@v1", "v1", FIRST),
        ("@tags/v1", "v1", FIRST),
        ("@refs/heads/feature/x", "feature/x", EXTRA),
        ("@feature/x", "feature/x", EXTRA),
        ("/tree/feature/x", "feature/x", EXTRA),
        ("/tree/feature/x/sub", "feature/x", {"data.txt": b"first\n", "extra.txt": b"x\n"}),
        ("/-/tree/v1/sub", "v1", {"data.txt": b"first\n"}),
        ("@v1#subdirectory=sub", "v1", {"data.txt": b"first\n"}),
        ("/sub", "main", {"data.txt": b"second\n"}),
    ],
)
def test_a_branch_tag_or_folder_is_found_and_pinned(
    source: Source, server: Loopback, repository: Path, asked: str, name: str, files: dict[str, bytes]
) -> None:
    target = source.resolve(f"{server.base}/o/n.git{asked}")

    commit = commit_of(repository, name)
    inside = "#subdirectory=sub" if "README.md" not in files else ""
    assert source.files(target) == files
    assert (target.kind, target.commit, target.revision) == (TargetKind.GIT, commit, commit)
    assert target.address == f"git+{server.base}/o/n.git@{commit}{inside}"
    assert source.resolve(target.address).tree == target.tree


@pytest.mark.parametrize("length", [40, 12, 5])
def test_a_commit_is_found_by_its_hash_however_long_also_where_no_branch_points_at_it(
    source: Source, server: Loopback, repository: Path, length: int
) -> None:
    make_repository(repository, {"README.md": "three\n"}, message="third")
    commit = commit_of(repository, "main~1")

    target = source.resolve(f"{server.base}/o/n.git@{commit[:length]}")

    assert (target.commit, source.files(target)) == (commit, SECOND)


def test_a_pinned_commit_that_is_in_the_cache_needs_no_server(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with served(git_site(tmp_path / "site")) as server:
        target = source.resolve(f"{server.base}/o/n.git@v1")

    assert source.resolve(target.address).tree == target.tree


def test_only_the_one_commit_is_fetched(
    source: Source, server: Loopback, repository: Path, tmp_path: Path
) -> None:
    source.resolve(f"{server.base}/o/n.git")

    (cached,) = (tmp_path / "cache" / "git").glob("*.git")
    assert git("rev-list", "--all", "--count", folder=cached) == "1"


def test_a_branch_that_moved_is_another_target(source: Source, server: Loopback, repository: Path) -> None:
    before = source.resolve(f"{server.base}/o/n.git@main")
    make_repository(repository, {"README.md": "three\n"}, message="third")

    after = source.resolve(f"{server.base}/o/n.git@main")

    assert (before.commit, after.commit) == (commit_of(repository, "main~1"), commit_of(repository, "main"))
    assert source.files(after)["README.md"] == b"three\n"


def test_a_local_repository_is_reached_by_its_file_address(source: Source, repository: Path) -> None:
    target = source.resolve(f"file://{repository}@v1")

    assert (target.commit, source.files(target)) == (commit_of(repository, "v1"), FIRST)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("@nowhere", "no branch or tag 'nowhere'. There are feature/x, main, v1"),
        ("@abcdef0", "no branch, tag or commit 'abcdef0'"),
        ("@" + "0" * 40, "cannot be fetched"),
        ("@v1/gone", "holds no folder 'gone'"),
        ("@v1/README.md", "is a file; a target is a folder"),
    ],
)
def test_what_is_not_there_is_said_so(
    source: Source, server: Loopback, repository: Path, asked: str, why: str
) -> None:
    assert why in source.refused(f"{server.base}/o/n.git{asked}")


def test_a_name_that_is_a_branch_and_a_tag_is_not_guessed(
    source: Source, server: Loopback, repository: Path
) -> None:
    git("branch", "v1", "main", folder=repository)

    refusal = source.refused(f"{server.base}/o/n.git@v1")
    by_branch = source.resolve(f"{server.base}/o/n.git@heads/v1")

    assert "Write @heads/v1 or @tags/v1" in refusal
    assert by_branch.commit == commit_of(repository, "main")


def test_a_branch_that_is_named_like_a_commit_is_not_that_commit(
    source: Source, server: Loopback, repository: Path
) -> None:
    commit = commit_of(repository, "v1")
    git("update-ref", f"refs/heads/{commit}", "main", folder=repository)

    assert source.files(source.resolve(f"{server.base}/o/n.git@{commit}")) == FIRST


def test_an_empty_repository_is_said_so(source: Source, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    git("init", "-q", "--bare", str(tmp_path / "site" / "empty.git"), folder=tmp_path)

    assert "is empty, or has no default branch" in source.refused(f"file://{tmp_path}/site/empty.git")


def test_a_repository_that_needs_no_token_is_not_shown_one(source: Source, server: Loopback) -> None:
    source.resolve(f"{server.base}/o/n.git", variables={"GITHUB_TOKEN": "canary", "GH_HOST": server.place})

    assert (len(server.asked) > 0, server.authorizations) == (True, [])


def test_a_private_repository_is_opened_by_the_token_for_its_host(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    header = "Basic " + base64.b64encode(b"x-access-token:canary").decode()
    with served(behind_login(git_site(tmp_path / "site"), header)) as server:
        variables = {"GITHUB_TOKEN": "canary", "GH_HOST": server.place}
        target = source.resolve(f"{server.base}/o/n.git", variables=variables)

    assert source.files(target) == SECOND
    assert set(server.authorizations) == {header}
    assert "canary" not in str(target.as_document())


def test_a_token_for_one_host_is_not_shown_to_another(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with served(behind_login(git_site(tmp_path / "site"), "Basic never")) as server:
        variables = {"GITHUB_TOKEN": "canary", "GITLAB_TOKEN": "canary", "HF_TOKEN": "canary"}
        refusal = source.refused(f"{server.base}/o/n.git", variables=variables)

    assert "If it is private, set GITHUB_TOKEN with GH_HOST" in refusal
    assert server.authorizations == []


def test_logins_kept_in_the_users_home_are_not_used(source: Source, tmp_path: Path, repository: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password canary\n")
    with served(behind_login(git_site(tmp_path / "site"), "Basic never")) as server:
        source.refused(f"{server.base}/o/n.git", variables={"HOME": str(tmp_path)})

    assert (len(server.asked) > 0, server.authorizations) == (True, [])


def test_credentials_of_an_address_open_it_and_are_kept_nowhere(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    header = "Basic " + base64.b64encode(b"ada:canary").decode()
    with served(behind_login(git_site(tmp_path / "site"), header)) as server:
        target = source.resolve(f"{server.base.replace('://', '://ada:canary@')}/o/n.git")

    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert target.origin == f"{server.base}/o/n.git"
    assert "canary" not in str(target.as_document())
    assert [path for path in kept if b"canary" in path.read_bytes()] == []


def test_no_token_follows_a_redirect_to_another_server(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with served(git_site(tmp_path / "site")) as other:

        def away(asked: Asked) -> Answer:
            if "authorization" not in asked.headers:
                return Answer(b"", 401, {"WWW-Authenticate": "Basic"})
            return Answer(b"", 302, {"Location": f"{other.base}{asked.path}?{asked.query}"})

        with served(away) as server:
            variables = {"GITHUB_TOKEN": "canary", "GH_HOST": server.place}
            refusal = source.refused(f"{server.base}/o/n.git", variables=variables)

    assert (len(server.authorizations), other.authorizations) == (1, [])
    assert "canary" not in refusal


def test_a_public_repository_that_moved_is_followed(source: Source, tmp_path: Path, repository: Path) -> None:
    with served(git_site(tmp_path / "site")) as other:

        def away(asked: Asked) -> Answer:
            return Answer(b"", 301, {"Location": f"{other.base}{asked.path}?{asked.query}"})

        with served(away) as server:
            target = source.resolve(f"{server.base}/o/n.git")

    assert source.files(target) == SECOND


def test_certificates_are_checked_and_an_authority_of_ones_own_is_heeded(
    source: Source, tmp_path: Path, repository: Path
) -> None:
    with served(git_site(tmp_path / "site"), tls=True) as server:
        refusal = source.refused(f"{server.base}/o/n.git")
        target = source.resolve(f"{server.base}/o/n.git", variables={"GIT_SSL_CAINFO": str(CERTIFICATE)})

    assert "certificate" in refusal
    assert source.files(target) == SECOND


def test_unchecked_certificates_are_refused(source: Source, repository: Path) -> None:
    refusal = source.refused(f"file://{repository}", variables={"GIT_SSL_NO_VERIFY": "1"})

    assert "GIT_SSL_NO_VERIFY is set" in refusal


def test_a_repository_larger_than_allowed_is_refused(
    source: Source, server: Loopback, repository: Path
) -> None:
    make_repository(repository, {"big.txt": "0123456789\n" * 5000})

    assert "the limit of one file" in source.refused(f"{server.base}/o/n.git", max_file_bytes=50_000)
    assert "the limit of a target" in source.refused(f"{server.base}/o/n.git@main", max_total_bytes=54_000)


def test_a_pointer_to_large_file_storage_is_named_and_not_taken_for_content(
    source: Source, repository: Path
) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123\n"
    make_repository(repository, {"data/big.jsonl": pointer, ".gitattributes": "*.jsonl filter=lfs\n"})

    target = source.resolve(f"file://{repository}")

    assert target.details["lfs_pointers"] == ["data/big.jsonl"]
    assert target.notes[0].startswith(
        "not content but pointers to Git LFS: data/big.jsonl. Clone with git-lfs"
    )


def test_links_and_modes_are_kept_as_committed(source: Source, repository: Path) -> None:
    (repository / "out").symlink_to("/etc/passwd")
    (repository / "run.sh").write_text("#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    make_repository(repository, {})

    target = source.resolve(f"file://{repository}")

    modes = {entry.name: entry.mode for entry in source.trees.load(target.tree).entries}
    assert source.files(target)["out"] == b"-> /etc/passwd"
    assert (modes["run.sh"], modes["README.md"]) == (0o755, 0o644)
    assert target.details["escaping_links"] == ["out"]


def test_a_mirror_stands_for_the_network(source: Source, tmp_path: Path, repository: Path) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "github.com" / "o").mkdir(parents=True)
    repository.rename(mirror / "github.com" / "o" / "n.git")

    by_page = source.resolve("https://github.com/o/n/tree/v1/sub", mirror=mirror)
    short = source.resolve("o/n@v1", mirror=mirror)

    commit = commit_of(mirror / "github.com" / "o" / "n.git", "v1")
    assert source.files(by_page) == {"data.txt": b"first\n"}
    assert by_page.address == f"git+https://github.com/o/n@{commit}#subdirectory=sub"
    assert (short.commit, source.files(short)) == (commit, FIRST)


def test_a_mirror_without_git_holds_plain_folders_named_by_their_ref(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "github.com" / "o" / "n@v1" / "sub"
    folder.mkdir(parents=True)
    (folder / "data.txt").write_text("first\n")

    target = source.resolve("o/n@v1", mirror=tmp_path / "mirror")
    inside = source.resolve("https://github.com/o/n/tree/v1/sub", mirror=tmp_path / "mirror")

    assert (source.files(target), target.commit) == ({"sub/data.txt": b"first\n"}, "")
    assert source.files(inside) == {"data.txt": b"first\n"}
    assert "no commit vouches for it" in target.notes[0]


def test_what_is_not_in_the_mirror_is_not_asked_of_the_network(source: Source, tmp_path: Path) -> None:
    with served(lambda asked: Answer(b"", 500)) as server:
        refusal = source.refused(f"{server.base}/o/n.git", mirror=tmp_path)

    assert "is not in the mirror" in refusal
    assert server.asked == []


def test_names_that_git_refuses_are_refused(source: Source, repository: Path) -> None:
    content = blob(repository, b"x")
    for mode, name in (
        ("100644", b".git"),
        ("100644", b"../out"),
        ("100644", b".GIT"),
        ("100644", b"a/../../b"),
    ):
        make_hostile_commit(repository, [(mode, name, content)])
        assert "so nothing of it is used" in source.refused(f"file://{repository}")
