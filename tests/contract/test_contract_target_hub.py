"""Data sets of the hub: listed at a commit, fetched whole or refused, checked file by file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from target_servers import Answer, Asked, Loopback, served
from target_sources import Source

from honing.contract import TargetKind

COMMIT = "c0ffee" + "0" * 34
FILES = {
    "README.md": b"# A data set\n",
    "main/test.jsonl": b'{"question": "1+1", "answer": "2"}\n' * 10,
    "main/train.jsonl": b'{"question": "2+2", "answer": "4"}\n' * 40,
    "hard/test.parquet": b"PAR1" + bytes(300),
}
IN_LFS = frozenset({"hard/test.parquet"})


def oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """A hub with one data set, ns/n, and faults on request."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    fault: Callable[[Asked, Answer], Answer] = lambda asked, answer: answer
    token: str = ""
    page: int = 1000
    storage: str = ""
    """Another server that holds the large files."""

    def __call__(self, asked: Asked) -> Answer:
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(b"", 401)
        if asked.path.startswith("/api/datasets/n/"):
            return Answer(b"", 307, {"Location": asked.path.replace("/n/", "/ns/n/", 1)})
        return self.fault(asked, self._answer(asked))

    def _answer(self, asked: Asked) -> Answer:
        api, resolve = "/api/datasets/ns/n", f"/datasets/ns/n/resolve/{COMMIT}/"
        if asked.path in (f"{api}/revision/main", f"{api}/revision/v1", f"{api}/revision/{COMMIT}"):
            return Answer(json.dumps({"id": "ns/n", "sha": COMMIT, "siblings": []}).encode())
        if asked.path.startswith(f"{api}/tree/{COMMIT}"):
            return self._tree(asked, asked.path.removeprefix(f"{api}/tree/{COMMIT}").strip("/"))
        name = asked.path.removeprefix(resolve)
        if asked.path.startswith(resolve) and name in self.files:
            if name in IN_LFS and self.storage:
                return Answer(b"", 302, {"Location": f"{self.storage}/{name}?Signature=canary"})
            return ranged(asked, self.files[name])
        return Answer(b"", 404)

    def _tree(self, asked: Asked, inside: str) -> Answer:
        entries: list[dict[str, Any]] = [{"type": "directory", "path": "main", "size": 0, "oid": "0" * 40}]
        for path, content in self.files.items():
            if inside and not path.startswith(f"{inside}/"):
                continue
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": oid(content)}
            if path in IN_LFS:
                sha256 = hashlib.sha256(content).hexdigest()
                entry |= {"oid": "1" * 40, "lfs": {"oid": sha256, "size": len(content)}}
            entries.append(entry)
        start = int(asked.query.rpartition("cursor=")[2] or 0) if "cursor=" in asked.query else 0
        headers = {}
        if start + self.page < len(entries):
            headers = {"Link": f'<{asked.path}?recursive=true&cursor={start + self.page}>; rel="next"'}
        return Answer(json.dumps(entries[start : start + self.page]).encode(), 200, headers)


def ranged(asked: Asked, content: bytes) -> Answer:
    if "range" not in asked.headers:
        return Answer(content)
    start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
    return Answer(content[start:], 206, {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"})


@contextmanager
def running(hub: Hub) -> Iterator[tuple[Loopback, dict[str, str]]]:
    with served(hub) as server:
        yield server, {"HF_ENDPOINT": server.base}


@pytest.mark.parametrize(
    "origin",
    ["hf:ns/n", "hf:n", "hf:ns/n@v1", f"hf:ns/n@{COMMIT}", "https://huggingface.co/datasets/ns/n/tree/main"],
)
def test_a_data_set_is_fetched_whole_and_pinned(source: Source, origin: str) -> None:
    with running(Hub(page=2)) as (_, variables):
        target = source.resolve(origin, variables=variables)

    assert source.files(target) == FILES
    assert (target.kind, target.commit, target.address) == (TargetKind.DATASET, COMMIT, f"hf:ns/n@{COMMIT}")
    assert target.details["manifest"] == [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(FILES.items())
    ]


def test_a_folder_of_a_data_set_is_a_target_of_its_own(source: Source) -> None:
    with running(Hub()) as (server, variables):
        target = source.resolve("https://huggingface.co/datasets/ns/n/tree/main/main", variables=variables)

    assert sorted(source.files(target)) == ["test.jsonl", "train.jsonl"]
    assert not [asked for asked in server.asked if "hard" in asked.path]


def test_what_was_fetched_once_is_not_fetched_again_and_works_offline(source: Source) -> None:
    with running(Hub()) as (server, variables):
        first = source.resolve("hf:ns/n", variables=variables)
        asked = len(server.asked)
        second = source.resolve(first.address, variables=variables)
        offline = source.resolve(first.address, variables={**variables, "HF_HUB_OFFLINE": "1"})

    assert (first.tree, first.tree, asked) == (second.tree, offline.tree, len(server.asked))


def test_offline_a_branch_is_not_guessed(source: Source) -> None:
    with running(Hub()) as (server, variables):
        refusal = source.refused("hf:ns/n", variables={**variables, "HF_HUB_OFFLINE": "1"})

    assert "HF_HUB_OFFLINE is set" in refusal
    assert server.asked == []


def once(path: str, fault: Callable[[Asked, Answer], Answer]) -> Callable[[Asked, Answer], Answer]:
    """A fault of the first answer to one path."""
    done: list[str] = []

    def answer(asked: Asked, right: Answer) -> Answer:
        if not asked.path.endswith(path) or done:
            return right
        done.append(path)
        return fault(asked, right)

    return answer


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (lambda asked, right: Answer(b"", 429, {"Retry-After": "7"}), [7.0]),
        (
            lambda asked, right: Answer(
                b"", 429, {"Retry-After": "Fri, 02 Jan 2026 00:00:09 GMT", "Date": "x"}
            ),
            [1.0],
        ),
        (lambda asked, right: Answer(b"", 503), [1.0]),
        (lambda asked, right: Answer(right.body, cut=20), [1.0]),
        (lambda asked, right: Answer(right.body[:-5]), [1.0]),
        (lambda asked, right: Answer(b"", 429, {"Retry-After": "99999"}), [120.0]),
    ],
    ids=[
        "asked to wait",
        "asked to wait until",
        "server error",
        "cut off",
        "short",
        "asked to wait for a day",
    ],
)
def test_a_failure_that_passes_is_tried_again(
    source: Source, fault: Callable[[Asked, Answer], Answer], waits: list[float]
) -> None:
    with running(Hub(fault=once("main/train.jsonl", fault))) as (_, variables):
        target = source.resolve("hf:ns/n", variables=variables)

    assert (source.files(target), source.waits) == (FILES, waits)


def test_a_download_goes_on_where_an_earlier_process_stopped(source: Source, tmp_path: Path) -> None:
    def cut_always(asked: Asked, right: Answer) -> Answer:
        large = asked.path.endswith("test.parquet")
        return Answer(right.body, right.status, right.headers, cut=50) if large else right

    with running(Hub(fault=cut_always)) as (_, variables):
        source.refused("hf:ns/n", variables=variables, attempts=2)
    with served(Hub()) as again:
        # The sum is the file's name in the cache, so another address of the same content goes on with it.
        target = source.resolve("hf:ns/n", variables={"HF_ENDPOINT": again.base})

    ranges = [asked.headers.get("range") for asked in again.asked if asked.path.endswith("test.parquet")]
    assert (ranges, source.files(target)) == (["bytes=100-"], FILES)


@pytest.mark.parametrize("path", ["main/test.jsonl", "hard/test.parquet"], ids=["git", "lfs"])
def test_a_file_with_the_wrong_sum_refuses_the_whole_data_set(
    source: Source, tmp_path: Path, path: str
) -> None:
    def other(asked: Asked, right: Answer) -> Answer:
        return Answer(bytes(len(right.body))) if asked.path.endswith(path) else right

    with running(Hub(fault=other)) as (_, variables):
        refusal = source.refused("hf:ns/n", variables=variables)

    assert f"{path}: its {'sha256' if 'parquet' in path else 'git hash'} is" in refusal


def test_one_file_that_does_not_arrive_refuses_the_whole_data_set(source: Source) -> None:
    def gone(asked: Asked, right: Answer) -> Answer:
        return Answer(b"", 500) if asked.path.endswith("train.jsonl") else right

    with running(Hub(fault=gone)) as (_, variables):
        refusal = source.refused("hf:ns/n", variables=variables)

    assert "no answer after 5 attempts (HTTP 500)" in refusal


@pytest.mark.parametrize(
    ("status", "token", "why"),
    [
        (401, "", "Set HF_TOKEN to a token that may read it; where it is gated, accept its terms first"),
        (403, "canary", "The token in HF_TOKEN does not open it: accept its terms at"),
        (404, "", "the hub has no data set 'ns/n'"),
    ],
)
def test_a_closed_or_missing_data_set_says_what_to_do(
    source: Source, status: int, token: str, why: str
) -> None:
    with running(Hub(fault=lambda asked, right: Answer(b"", status))) as (_, variables):
        refusal = source.refused("hf:ns/n", variables={**variables, "HF_TOKEN": token})

    assert why in refusal
    assert "canary" not in refusal


def test_the_token_opens_the_hub_and_is_not_shown_to_its_storage(source: Source) -> None:
    with served(lambda asked: ranged(asked, FILES["hard/test.parquet"])) as storage:
        hub = Hub(token="canary", storage=storage.base)
        with running(hub) as (server, variables):
            target = source.resolve("hf:ns/n", variables={**variables, "HF_TOKEN": "canary"})

    assert source.files(target) == FILES
    assert (set(server.authorizations), storage.authorizations) == ({"Bearer canary"}, [])
    assert len(storage.asked) == 1
    assert "canary" not in str(target.as_document())


CARD = b"""---
configs:
- config_name: easy
  data_files:
  - split: test
    path: e/t-*
  - split: train
    path: [e/r-*]
- config_name: big
  data_files: {test: b/*}
---
"""
LARGE = {
    "README.md": CARD,
    "LICENSE": b"free",
    "e/t-0.jsonl": b"t\n" * 50,
    "e/r-0.jsonl": b"r\n" * 5000,
    "b/0.jsonl": b"b\n" * 9000,
}


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({"config": "easy", "split": "test"}, ["e/t-0.jsonl"]),
        ({"config": "easy"}, ["e/t-0.jsonl"]),
        ({"split": "train"}, ["e/r-0.jsonl"]),
    ],
)
def test_of_a_data_set_that_is_too_large_the_wanted_part_is_taken_and_the_rest_named(
    source: Source, wanted: dict[str, str], taken: list[str]
) -> None:
    with running(Hub(files=LARGE)) as (server, variables):
        target = source.resolve("hf:ns/n", variables=variables, max_total_bytes=12_000, **wanted)

    data = sorted(path for path in LARGE if path.endswith(".jsonl"))
    assert sorted(source.files(target)) == sorted(["LICENSE", "README.md", *taken])
    assert target.details["left_out"] == [path for path in data if path not in taken]
    assert target.notes[0].startswith("too large to take whole (28,")
    assert not [asked for asked in server.asked if "b/0" in asked.path]


def test_without_a_card_names_say_which_split_a_file_belongs_to(source: Source) -> None:
    with running(Hub()) as (_, variables):
        target = source.resolve("hf:ns/n", variables=variables, max_file_bytes=1000, config="main")

    assert sorted(source.files(target)) == ["README.md", "main/test.jsonl"]


@pytest.mark.parametrize("wanted", [{"config": "big"}, {"config": "gone"}, {"split": "gone"}, {}])
def test_what_is_still_too_large_is_refused_with_figures(source: Source, wanted: dict[str, str]) -> None:
    with running(Hub(files=LARGE)) as (_, variables):
        refusal = source.refused("hf:ns/n", variables=variables, max_total_bytes=10_000, **wanted)

    assert "28,2" in refusal
    assert "10,000 bytes in all" in refusal
    assert "HONING_MAX_TARGET_MIB" in refusal


@pytest.mark.parametrize("path", ["../out.jsonl", "/out.jsonl", "a/../../out.jsonl", ".git/config"])
def test_a_path_that_leads_out_is_refused(source: Source, tmp_path: Path, path: str) -> None:
    with running(
        Hub(
            files={path: b"{}\n"},
            fault=lambda asked, right: right if "api" in asked.path else Answer(b"{}\n"),
        )
    ) as (_, variables):
        refusal = source.refused("hf:ns/n", variables=variables)

    assert "so nothing of it is used" in refusal
    assert not list(tmp_path.rglob("out.jsonl"))


def test_a_mirror_holds_data_sets_as_folders(source: Source, tmp_path: Path) -> None:
    place = tmp_path / "mirror" / "huggingface.co" / "datasets" / "ns"
    for name in ("n", "n@v1"):
        (place / name / "main").mkdir(parents=True)
        (place / name / "main" / "test.jsonl").write_text(f"{name}\n")

    target = source.resolve("https://huggingface.co/datasets/ns/n", mirror=tmp_path / "mirror")
    at = source.resolve("hf:ns/n@v1/main", mirror=tmp_path / "mirror")

    assert source.files(target) == {"main/test.jsonl": b"n\n"}
    assert source.files(at) == {"test.jsonl": b"n@v1\n"}
    assert target.details["manifest"] == [
        {"path": "main/test.jsonl", "size": 2, "sha256": hashlib.sha256(b"n\n").hexdigest()}
    ]
