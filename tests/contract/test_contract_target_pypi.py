"""Source distributions: which file is meant, that it is what the index promises, and what is said where there
is none."""

# ruff: noqa: E501 - one case a line reads best.

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from target_servers import Answer, Asked, Loopback, served
from target_sources import Source

from honing.contract import TargetKind

JSON = "application/vnd.pypi.simple.v1+json"


def sdist(name: str, version: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for path, text in (("PKG-INFO", f"Name: {name}\n"), ("data/test.jsonl", f"{version}\n")):
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(raw.getvalue(), mtime=0)


FILES = {
    f"some_name-{version}.tar.gz": sdist("some_name", version) for version in ("1.0", "1.9", "1.10", "2.0rc1")
}
YANKED = "some_name-1.10.tar.gz"


def listed(
    base: str, *, only: Callable[[str], bool] = lambda name: True, **more: Any
) -> list[dict[str, Any]]:
    files = [
        {
            "filename": name,
            "url": f"../files/{name}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "yanked": "broken" if name == YANKED else False,
            **more,
        }
        for name, content in FILES.items()
    ]
    wheel = {"filename": "some_name-3.0-py3-none-any.whl", "url": f"{base}/w.whl", "hashes": {}}
    return [file for file in [*files, wheel] if only(str(file["filename"]))]


@contextmanager
def index(
    files: Callable[[str], list[dict[str, Any]]] | None = None,
    *,
    content: Callable[[Asked, bytes], Answer] = lambda asked, body: Answer(body),
    html: bool = False,
) -> Iterator[Loopback]:
    """An index with one package."""

    def answer(asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        if name in FILES:
            return content(asked, FILES[name])
        if asked.path != "/simple/some-name/":
            return Answer(b"", 404)
        found = (files or no_wheels)(loopback.base)
        if html:
            links = (
                f'<a href="{one["url"]}#sha256={one["hashes"]["sha256"]}"'
                + (' data-yanked="broken"' if one["yanked"] else "")
                + f">{one['filename']}</a>"
                for one in found
            )
            return Answer("<br/>".join(links).encode(), headers={"Content-Type": "text/html"})
        return Answer(json.dumps({"files": found}).encode(), headers={"Content-Type": JSON})

    with served(answer) as loopback:
        yield loopback


def no_wheels(base: str) -> list[dict[str, Any]]:
    return listed(base, only=lambda name: name.endswith(".gz"))


def at(server: Loopback) -> dict[str, str]:
    return {"PIP_INDEX_URL": f"{server.base}/simple/"}


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
def test_the_newest_version_that_was_not_withdrawn_is_taken_and_pinned(source: Source, *, html: bool) -> None:
    with index(html=html) as server:
        target = source.resolve("pypi:Some.Name", variables=at(server))

    sha256 = hashlib.sha256(FILES["some_name-1.9.tar.gz"]).hexdigest()
    assert source.files(target) == {"PKG-INFO": b"Name: some_name\n", "data/test.jsonl": b"1.9\n"}
    assert (target.kind, target.revision, target.address) == (TargetKind.PYPI, "1.9", "pypi:some-name==1.9")
    assert [(one["path"], one["sha256"]) for one in target.details["manifest"]] == [
        ("some_name-1.9.tar.gz", sha256)
    ]


@pytest.mark.parametrize("version", ["1.0", "2.0rc1", "2.0.rc1", "1.10"])
def test_a_version_is_taken_as_named_also_one_that_was_withdrawn(source: Source, version: str) -> None:
    with index() as server:
        target = source.resolve(f"pypi:some-name=={version}", variables=at(server))

    assert target.revision == version.replace(".rc", "rc")
    assert target.notes == (("version 1.10 was withdrawn: broken",) if version == "1.10" else ())


def test_a_pinned_version_is_not_downloaded_twice(source: Source) -> None:
    with index() as server:
        first = source.resolve("pypi:some-name==1.0", variables=at(server))
        asked = len(server.asked)
        second = source.resolve("pypi:some-name==1.0", variables=at(server))

    assert (first.tree, len(server.asked)) == (second.tree, asked)


def test_a_damaged_copy_in_the_cache_is_fetched_again(source: Source, tmp_path: Path) -> None:
    with index() as server:
        first = source.resolve("pypi:some-name==1.0", variables=at(server))
        sha256 = hashlib.sha256(FILES["some_name-1.0.tar.gz"]).hexdigest()
        (tmp_path / "cache" / "pypi" / sha256).write_bytes(b"evil")
        second = source.resolve("pypi:some-name==1.0", variables=at(server))

    assert first.tree == second.tree


@pytest.mark.parametrize(
    ("origin", "files", "why"),
    [
        ("pypi:other", no_wheels, "the index knows no package 'other'"),
        ("pypi:some-name==9", no_wheels, "there is no version 9; the newest are 1.0, 1.9, 1.10, 2.0rc1"),
        ("pypi:some-name", listed, "version 3.0 has no source distribution, only some_name-3.0-py3-none-any.whl"),
        ("pypi:some-name", listed, "pypi:some-name==2.0rc1 has one"),
        ("pypi:some-name", lambda base: [], "lists no files"),
        ("pypi:some-name", lambda base: listed(base, only=lambda name: name == YANKED), "every version was withdrawn"),
        ("pypi:some-name", lambda base: listed(base, only=lambda name: "-1.0" in name, hashes={}), "gives no sha256"),
    ],
)  # fmt: skip
def test_what_the_index_does_not_have_is_said_so(
    source: Source, origin: str, files: Callable[[str], list[dict[str, Any]]], why: str
) -> None:
    with index(files) as server:
        assert why in source.refused(origin, variables=at(server))


def test_a_file_that_is_not_what_the_index_promises_is_refused(source: Source, tmp_path: Path) -> None:
    with index(content=lambda asked, body: Answer(bytes(len(body)))) as server:
        refusal = source.refused("pypi:some-name==1.0", variables=at(server))

    assert "its sha256 is" in refusal
    assert [path.name for path in (tmp_path / "cache" / "pypi").iterdir() if path.suffix != ".lock"] == []


def test_a_download_that_breaks_off_goes_on_where_it_stopped(source: Source) -> None:
    def breaking(asked: Asked, body: bytes) -> Answer:
        if "range" not in asked.headers:
            return Answer(body, cut=100)
        start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return Answer(body[start:], 206, headers)

    with index(content=breaking) as server:
        target = source.resolve("pypi:some-name==1.0", variables=at(server))

    ranges = [asked.headers.get("range") for asked in server.asked if asked.path.endswith(".gz")]
    assert (target.revision, ranges, source.waits) == ("1.0", [None, "bytes=100-"], [1.0])


def test_a_download_that_was_whole_when_its_process_ended_is_not_stuck(
    source: Source, tmp_path: Path
) -> None:
    def strict(asked: Asked, body: bytes) -> Answer:
        return Answer(b"", 416) if "range" in asked.headers else Answer(body)

    content = FILES["some_name-1.0.tar.gz"]
    part = tmp_path / "cache" / "pypi" / f"{hashlib.sha256(content).hexdigest()}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    with index(content=strict, html=True) as server:
        target = source.resolve("pypi:some-name==1.0", variables=at(server))

    assert target.revision == "1.0"


def test_an_index_that_is_a_folder_is_read_without_a_server(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "index" / "some-name"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)

    target = source.resolve("pypi:some_name", variables={"PIP_INDEX_URL": (tmp_path / "index").as_uri()})

    assert (target.revision, source.files(target)["data/test.jsonl"]) == ("1.10", b"1.10\n")


def test_a_mirror_holds_packages_by_name(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "pypi" / "some-name"
    folder.mkdir(parents=True)
    (folder / "some_name-1.0.tar.gz").write_bytes(FILES["some_name-1.0.tar.gz"])

    target = source.resolve("pypi:Some_Name", mirror=tmp_path / "mirror")

    assert (target.address, source.files(target)["data/test.jsonl"]) == ("pypi:some-name==1.0", b"1.0\n")
    assert "is not in the mirror" in str_of_refusal(source, tmp_path)


def str_of_refusal(source: Source, tmp_path: Path) -> str:
    other = Source(tmp_path / "other")
    return other.refused("pypi:other", mirror=tmp_path / "mirror")


def test_the_login_of_an_index_is_shown_to_it_alone_and_kept_nowhere(source: Source, tmp_path: Path) -> None:
    with served(lambda asked: Answer(FILES["some_name-1.0.tar.gz"])) as store:
        elsewhere = [
            {**file, "url": f"{store.base}/{file['filename']}"}
            for file in listed("", only=lambda name: "-1.0.t" in name)
        ]
        with index(lambda base: elsewhere) as server:
            place = server.base.replace("://", "://ada:canary@")
            target = source.resolve("pypi:some-name", variables={"PIP_INDEX_URL": f"{place}/simple"})

    header = "Basic " + base64.b64encode(b"ada:canary").decode()
    assert (server.authorizations, store.authorizations) == ([header], [])
    assert "canary" not in str(target.as_document())
