"""How a target is named: every form, what is refused, and that no secret survives."""

# ruff: noqa: E501 - one address a line reads best.
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from honing.contract import TargetKind, origin_to_repeat, without_secrets
from honing.contract.targets.addresses import Address, parse_address
from honing.errors import TargetError


def parsed(text: str) -> Address:
    return parse_address(text, is_there=lambda path: path in {"here", "data/here", "a.zip"})


def parts(address: Address) -> dict[str, Any]:
    names = ("kind", "url", "name", "ref", "subpath", "credentials", "config", "split", "sha256")
    found = {name: getattr(address, name) for name in names}
    return {name: str(value) for name, value in found.items() if value}


SHA = "0123456789abcdef0123456789abcdef01234567"
GIT = "git"
HUB = "https://github.com/o/n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("here", {"kind": "folder", "url": "here"}),
        ("data/here", {"kind": "folder", "url": "data/here"}),
        ("./not-there", {"kind": "folder", "url": "not-there"}),
        ("a.zip", {"kind": "archive", "url": "a.zip"}),
        ("o/n", {"kind": GIT, "url": HUB}),
        ("o/n@v1.0", {"kind": GIT, "url": HUB, "ref": "v1.0"}),
        (HUB, {"kind": GIT, "url": HUB}),
        (f"{HUB}.git", {"kind": GIT, "url": HUB}),
        (f"{HUB}/", {"kind": GIT, "url": HUB}),
        (f"{HUB}@feature/x", {"kind": GIT, "url": HUB, "ref": "feature/x"}),
        (f"{HUB}.git@{SHA}", {"kind": GIT, "url": HUB, "ref": SHA}),
        (f"{HUB}/tree/v1/sub/path", {"kind": GIT, "url": HUB, "ref": "v1/sub/path"}),
        (f"{HUB}/commit/{SHA}", {"kind": GIT, "url": HUB, "ref": SHA}),
        (f"{HUB}/releases/tag/v1", {"kind": GIT, "url": HUB, "ref": "v1"}),
        (f"{HUB}/pull/7", {"kind": GIT, "url": HUB, "ref": "refs/pull/7/head"}),
        (f"{HUB}/sub/path", {"kind": GIT, "url": HUB, "subpath": "sub/path"}),
        (
            f"git+{HUB}@v1#subdirectory=a/b&egg=n",
            {"kind": GIT, "url": HUB, "ref": "v1", "subpath": "a/b"},
        ),
        (
            "https://gitlab.com/g/s/n/-/tree/main/a",
            {"kind": GIT, "url": "https://gitlab.com/g/s/n", "ref": "main/a"},
        ),
        ("https://git.example.org/x/y.git/a/b", {"kind": GIT, "url": "https://git.example.org/x/y.git", "subpath": "a/b"}),
        ("https://codeberg.org/o/n/src/branch/main/a", {"kind": GIT, "url": "https://codeberg.org/o/n", "ref": "main/a"}),
        ("git@github.com:o/n.git", {"kind": GIT, "url": "ssh://git@github.com/o/n.git"}),
        ("git@host.org:o/n@v1", {"kind": GIT, "url": "ssh://git@host.org/o/n", "ref": "v1"}),
        ("ssh://git@host.org:2222/o/n.git@v1", {"kind": GIT, "url": "ssh://git@host.org:2222/o/n.git", "ref": "v1"}),
        ("file:///srv/n.git@v1", {"kind": GIT, "url": "file:///srv/n.git", "ref": "v1"}),
        ("https://ada:pw@github.com/o/n", {"kind": GIT, "url": HUB, "credentials": "ada:pw"}),
        ("pypi:Some_Name", {"kind": "pypi", "name": "Some_Name"}),
        ("pypi:n==1.2.post1", {"kind": "pypi", "name": "n", "ref": "1.2.post1"}),
        ("https://pypi.org/project/n/", {"kind": "pypi", "name": "n"}),
        ("https://pypi.org/project/n/1.2/", {"kind": "pypi", "name": "n", "ref": "1.2"}),
        ("hf:ns/n", {"kind": "dataset", "name": "ns/n"}),
        ("hf:ns/n@v1/sub", {"kind": "dataset", "name": "ns/n", "ref": "v1", "subpath": "sub"}),
        ("hf://datasets/ns/n@refs/convert/parquet/main", {"kind": "dataset", "name": "ns/n", "ref": "refs/convert/parquet", "subpath": "main"}),
        ("hf:plain", {"kind": "dataset", "name": "plain"}),
        ("https://huggingface.co/datasets/ns/n", {"kind": "dataset", "name": "ns/n"}),
        ("https://huggingface.co/datasets/plain/tree/main/a/b", {"kind": "dataset", "name": "plain", "ref": "main", "subpath": "a/b"}),
        ("https://huggingface.co/datasets/ns/n/viewer/easy/test", {"kind": "dataset", "name": "ns/n", "config": "easy", "split": "test"}),
        ("https://huggingface.co/datasets/ns/n?config=easy&split=test", {"kind": "dataset", "name": "ns/n", "config": "easy", "split": "test"}),
        ("https://example.org/d.tar.gz", {"kind": "archive", "url": "https://example.org/d.tar.gz"}),
        ("https://u:p@example.org/d.zip#sha256=AB", {"kind": "archive", "url": "https://example.org/d.zip", "credentials": "u:p", "sha256": "ab"}),
        ("https://github.com/o/n/archive/refs/tags/v1.zip", {"kind": "archive", "url": "https://github.com/o/n/archive/refs/tags/v1.zip"}),
    ],
)  # fmt: skip
def test_an_address_is_read_as_what_it_means(text: str, expected: dict[str, str]) -> None:
    assert parts(parsed(text)) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no target"),
        ("a\nb", "names no target"),
        ("ext::sh -c true", "run a program of their choice"),
        ("fd::17/x", "run a program of their choice"),
        ("git://host/o/n", "git addresses are refused"),
        ("ftp://host/o/n", "ftp addresses are refused"),
        ("http://github.com/o/n", "Use https"),
        ("https:///o/n", "names no host"),
        ("https://-oProxyCommand=x/o/n", "names no host"),
        ("ssh://-oProxyCommand=x/o/n", "names no host"),
        ("git@host.org:-x", "is an option"),
        (f"{HUB}@-u", "no branch, tag or commit"),
        (f"{HUB}@--upload-pack=x", "no branch, tag or commit"),
        (f"{HUB}@a..b", "no branch, tag or commit"),
        (f"{HUB}@a b", "no branch, tag or commit"),
        (f"{HUB}/tree/main/../../x", "no branch, tag or commit"),
        (f"{HUB}#subdirectory=../x", "does not lie inside"),
        (f"{HUB}#subdirectory=.GIT/x", "does not lie inside"),
        ("https://github.com/", "names no repository"),
        ("https://github.com/o/-n", "names no repository"),
        ("pypi:n>=1", "expected pypi:NAME"),
        ("pypi:n[extra]", "expected pypi:NAME"),
        ("hf:models/o/n", "is a model"),
        ("hf:a/../b", "expected hf:NAMESPACE/NAME"),
        ("https://huggingface.co/o/n", "is a model of the hub; a target is a data set"),
        ("https://huggingface.co/spaces/o/n", "is a space of the hub"),
        ("https://huggingface.co/datasets/o/n/tree/main/../..", "does not lie inside"),
        ("https://pypi.org/simple/n/", "expected https://pypi.org/project/NAME/"),
        ("https://host:port/o/n", "is no address"),
    ],
)
def test_what_is_no_address_or_a_trick_is_refused(text: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        parsed(text)


def test_what_exists_is_never_taken_for_a_repository() -> None:
    assert (parsed("data/here").kind, parsed("data/elsewhere").kind) == (TargetKind.FOLDER, TargetKind.GIT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:pw@host/o/n", "https://host/o/n"),
        ("https://token@host/o/n@v1", "https://host/o/n@v1"),
        ("https://a:p@ss@host/x", "https://host/x"),
        ("ssh://git:pw@host/o/n", "ssh://git@host/o/n"),
        ("https://host/d.zip?token=abc&x=1", "https://host/d.zip?token=...&x=1"),
        ("https://host/d.zip?X-Amz-Signature=abc", "https://host/d.zip?X-Amz-Signature=..."),
        ("./a,https://u:p@h/x", "./a,https://h/x"),
        ("user@example.org", "user@example.org"),
    ],
)
def test_no_secret_survives_in_what_is_shown(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_an_address_does_not_print_its_credentials() -> None:
    assert "pw" not in repr(parsed("https://ada:pw@github.com/o/n"))


def test_a_target_is_repeated_by_its_full_path_or_its_address_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()

    repeated = [
        origin_to_repeat(text, tmp_path)
        for text in ("data", "./gone", "https://u:p@github.com/o/n@v1", "pypi:n==1", "o/n")
    ]

    expected = [
        str(tmp_path / "data"),
        str(tmp_path / "gone"),
        "https://github.com/o/n@v1",
        "pypi:n==1",
        "o/n",
    ]
    assert repeated == expected
