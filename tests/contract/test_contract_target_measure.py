"""`hone measure` and `hone contract show` from every kind of target: the same data, the same score."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

import pytest
from target_servers import Answer, Asked, git_site, make_repository, served

from honing.cli.app import run

ROWS = "".join(
    json.dumps({"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"}) + "\n" for i in range(24)
)
COMMIT = "c0ffee" + "0" * 34
REPOSITORY, PACKAGE, DATASET, ARCHIVE, FOLDER, MIRRORED = (
    "a repository", "a package", "a data set", "an archive", "a folder", "a mirrored data set",
)  # fmt: skip
KINDS = {
    REPOSITORY: "git", PACKAGE: "pypi", DATASET: "dataset", ARCHIVE: "archive", FOLDER: "folder",
    MIRRORED: "dataset",
}  # fmt: skip


def packed() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        entry = tarfile.TarInfo("sums-1.0/test.jsonl")
        entry.size = len(ROWS)
        archive.addfile(entry, io.BytesIO(ROWS.encode()))
    return raw.getvalue()


def hub(asked: Asked) -> Answer:
    if "/revision/" in asked.path:
        return Answer(json.dumps({"id": "ns/sums", "sha": COMMIT}).encode())
    if "/tree/" in asked.path:
        name = hashlib.sha1(b"blob %d\0" % len(ROWS) + ROWS.encode(), usedforsecurity=False).hexdigest()
        entry = {"type": "file", "path": "test.jsonl", "size": len(ROWS), "oid": name}
        return Answer(json.dumps([entry]).encode())
    return Answer(ROWS.encode())


def index(asked: Asked) -> Answer:
    if asked.path.endswith(".gz"):
        return Answer(PACKED)
    file = {"filename": "sums-1.0.tar.gz", "url": "/sums-1.0.tar.gz"}
    file["hashes"] = {"sha256": hashlib.sha256(PACKED).hexdigest()}  # type: ignore[assignment]
    return Answer(json.dumps({"files": [file]}).encode(), headers={"Content-Type": "application/json"})


PACKED = packed()


@pytest.fixture
def origins(tmp_path: Path) -> Iterator[dict[str, tuple[str, dict[str, str]]]]:
    """{kind: (target, variables)}, each the same 24 sums."""
    make_repository(tmp_path / "site" / "o" / "sums.git", {"test.jsonl": ROWS})
    mirrored = tmp_path / "mirror" / "huggingface.co" / "datasets" / "ns" / "sums"
    for folder in (tmp_path / "sums", mirrored):
        folder.mkdir(parents=True)
        (folder / "test.jsonl").write_text(ROWS)
    (tmp_path / "sums.tar.gz").write_bytes(PACKED)
    with ExitStack() as stack:
        site, packages, data = (
            stack.enter_context(served(answer)) for answer in (git_site(tmp_path / "site"), index, hub)
        )
        yield {
            REPOSITORY: (f"{site.base}/o/sums.git@main", {}),
            PACKAGE: ("pypi:sums", {"PIP_INDEX_URL": packages.base}),
            DATASET: ("https://huggingface.co/datasets/ns/sums", {"HF_ENDPOINT": data.base}),
            ARCHIVE: ("sums.tar.gz", {}),
            FOLDER: ("sums", {}),
            MIRRORED: (
                "https://huggingface.co/datasets/ns/sums",
                {"HONING_MIRROR": str(tmp_path / "mirror")},
            ),
        }


@pytest.fixture
def in_its_folder(tmp_path: Path) -> Iterator[None]:
    with chdir(tmp_path):
        yield


def hone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], variables: dict[str, str], *words: str
) -> tuple[int, Any, str]:
    environ = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "HONING_CACHE": str(tmp_path / "cache"),
        **variables,
    }
    capfd.readouterr()
    code = run(words, environ=environ, cwd=tmp_path)
    out, err = capfd.readouterr()
    return code, json.loads(out) if out.startswith("{") else out, err


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_of_every_kind_is_shown_and_measured(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    in_its_folder: None,
    origins: dict[str, tuple[str, dict[str, str]]],
    kind: str,
) -> None:
    target, variables = origins[kind]

    shown, contract, _ = hone(tmp_path, capfd, variables, "contract", "show", target, "--json")
    words = ("measure", target, "--llm", "scripted/perfect", "--mode", "full", "--json")
    code, metrics, _ = hone(tmp_path, capfd, variables, *words)

    (home,) = (tmp_path / "runs").glob("*/target.json")
    recorded = json.loads(home.read_text())
    assert (shown, contract["task"]["files"]) == (0, ["test.jsonl"])
    assert (code, metrics["score"], metrics["n_scored"], metrics["level"]) == (0, 1.0, 24, "L5")
    assert (recorded["kind"], recorded["files"]) == (KINDS[kind], 1)
    pinned = (
        recorded["revision"]
        if KINDS[kind] in ("git", "dataset") and recorded["revision"]
        else recorded["tree"]
    )
    assert metrics["commit"] == pinned


def test_the_command_that_repeats_a_measurement_holds_no_password(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    in_its_folder: None,
    origins: dict[str, tuple[str, dict[str, str]]],
) -> None:
    target = origins[REPOSITORY][0].replace("://", "://ada:canary@")

    code, _, _ = hone(tmp_path, capfd, {}, "measure", target, "--llm", "scripted/perfect", "--json")

    texts = [path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert (code, [text for text in texts if b"canary" in text]) == (0, [])


def test_a_target_that_is_not_there_is_a_sentence_and_no_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], in_its_folder: None
) -> None:
    code, out, err = hone(
        tmp_path, capfd, {"HONING_MIRROR": str(tmp_path)}, "measure", "o/n", "--llm", "scripted/perfect"
    )

    assert (code, out) == (1, "")
    assert "'o/n' is not in the mirror" in err
    assert list((tmp_path / "runs").glob("*/run.json")) == []
