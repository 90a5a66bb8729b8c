"""Archives: what is honest is unpacked as it is, every trick is refused, and nothing lands outside."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from target_sources import Source

from honing.contract import TargetKind
from honing.contract.targets.archives import unpack
from honing.contract.targets.writer import ContentLimits
from honing.errors import TargetError

LIMITS = ContentLimits(total_bytes=1_000_000, file_bytes=500_000, entries=100)


def member(
    name: str, content: bytes = b"x", *, kind: bytes = tarfile.REGTYPE, to: str = "", mode: int = 0o644
):  # type: ignore[no-untyped-def]
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, to, mode
    entry.size = len(content) if kind == tarfile.REGTYPE else 0
    return entry, content


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for entry, content in members:
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return path


def zipped(path: Path, *members: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in members:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return path


def unpacked(archive: Path, folder: Path, limits: ContentLimits = LIMITS) -> dict[str, bytes]:
    folder.mkdir()
    top = unpack(archive, folder, limits, where="the archive")
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_an_honest_tar_is_unpacked_with_its_modes_and_links(source: Source, tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "n-1.0.tar.gz",
        member("n-1.0", kind=tarfile.DIRTYPE),
        member("n-1.0/run.sh", b"#!/bin/sh\n", mode=0o6755),
        member("./n-1.0/data/test.jsonl", b"{}\n"),
        member("n-1.0/again", kind=tarfile.LNKTYPE, to="n-1.0/run.sh"),
        member("n-1.0/link", kind=tarfile.SYMTYPE, to="data/test.jsonl"),
        member("n-1.0/.git/config", b"[core]\n"),
    )

    target = source.resolve(archive)

    assert source.files(target) == {
        "again": b"#!/bin/sh\n",
        "data/test.jsonl": b"{}\n",
        "link": b"-> data/test.jsonl",
        "run.sh": b"#!/bin/sh\n",
    }
    modes = {entry.name: entry.mode for entry in source.trees.load(target.tree).entries}
    assert (modes["run.sh"], modes["data/test.jsonl"]) == (0o755, 0o644)
    assert (target.kind, target.revision) == (TargetKind.ARCHIVE, target.details["archive_sha256"])


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_known_by_its_content_however_it_is_packed(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    raw = tar(tmp_path / "a", member("a.txt", b"one"), member("b.txt", b"two")).read_bytes()
    (tmp_path / "b").write_bytes(pack(raw))

    assert unpacked(tmp_path / "b", tmp_path / "out") == {"a.txt": b"one", "b.txt": b"two"}


def test_an_honest_zip_is_unpacked_and_its_only_folder_is_the_target(source: Source, tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "d.zip",
        ("d/", b"", stat.S_IFDIR | 0o755),
        ("d/test.jsonl", b"{}\n", stat.S_IFREG | 0o644),
        ("d/run", b"1", stat.S_IFREG | 0o755),
        ("d/link", b"run", stat.S_IFLNK | 0o777),
    )

    assert source.files(source.resolve(archive)) == {"link": b"-> run", "run": b"1", "test.jsonl": b"{}\n"}


TAR_ATTACKS = {
    "leads up": ([member("../out")], "leads out"),
    "leads up inside": ([member("a/../../out")], "leads out"),
    "is absolute": ([member("/tmp/out")], "leads out"),
    "goes through a link out": (
        [member("a", kind=tarfile.SYMTYPE, to="/tmp"), member("a/out")], "leads out, to '/tmp'",
    ),
    "goes through a link up": (
        [member("a", kind=tarfile.SYMTYPE, to=".."), member("a/out")], "leads out, to '..'",
    ),
    "goes through a link inside": (
        [member("b/x"), member("a", kind=tarfile.SYMTYPE, to="b"), member("a/out")], "folder and a link",
    ),
    "goes through a link where case is ignored": (
        [member("b/x"), member("A", kind=tarfile.SYMTYPE, to="b"), member("a/out")], "folder and a link",
    ),
    "makes a folder a link where case is ignored": (
        [member("A/x"), member("a", kind=tarfile.SYMTYPE, to="A")], "link and a folder",
    ),
    "goes through a file": ([member("a"), member("a/b")], "folder and a link or file"),
    "hard link to the host": ([member("a", kind=tarfile.LNKTYPE, to="/etc/passwd")], "leads out"),
    "hard link up": ([member("a", kind=tarfile.LNKTYPE, to="../x")], "leads out"),
    "hard link to a link": (
        [member("l", kind=tarfile.SYMTYPE, to="x"), member("a", kind=tarfile.LNKTYPE, to="l")],
        "which is no file before it",
    ),
    "hard link ahead": ([member("a", kind=tarfile.LNKTYPE, to="b"), member("b")], "no file before"),
    "a device": ([member("a", kind=tarfile.CHRTYPE)], "device or pipe"),
    "a pipe": ([member("a", kind=tarfile.FIFOTYPE)], "device or pipe"),
    "a name twice": ([member("a"), member("a")], "comes twice"),
    "a name twice, differently written": ([member("a"), member("./a")], "comes twice"),
    "git's folder by case": ([member("b"), member(".GiT/config")], "git's own folder"),
    "git's folder by a short name": ([member("GIT~1/config")], "git's own folder"),
    "git's folder by an invisible letter": ([member(".g\u200cit/config")], "git's own folder"),
    "too many entries": ([member(f"f{i}") for i in range(101)], "more than 100 entries"),
    "a file too large": ([member("a", b"x" * 500_001)], "the limit of one file"),
    "too large in all": ([member(f"f{i}", b"x" * 400_000) for i in range(3)], "limit of a target"),
    "too deep": ([member("/".join("d" * 101) + "/f")], "too deep"),
    "a name too long": ([member("n" * 256)], "too long"),
}  # fmt: skip


@pytest.mark.parametrize("attack", TAR_ATTACKS)
def test_a_tar_that_holds_a_trick_is_refused(source: Source, tmp_path: Path, attack: str) -> None:
    members, why = TAR_ATTACKS[attack]
    archive = tar(tmp_path / "a.tar", *members)

    refusal = source.refused(
        archive,
        max_files=LIMITS.entries,
        max_file_bytes=LIMITS.file_bytes,
        max_total_bytes=LIMITS.total_bytes,
    )

    assert why in refusal
    assert not list(tmp_path.rglob("out"))


ZIP_ATTACKS = {
    "leads up": ([("../out", b"x", 0)], "leads out"),
    "is absolute": ([("/tmp/out", b"x", 0)], "leads out"),
    "a path of Windows": ([("..\\out", b"x", 0)], "path of Windows"),
    "a drive": ([("C:/out", b"x", 0)], "path of Windows"),
    "goes through a link out": (
        [("a", b"/tmp", stat.S_IFLNK | 0o777), ("a/out", b"x", 0)], "leads out, to '/tmp'",
    ),
    "a device": ([("a", b"", stat.S_IFCHR | 0o600)], "neither file, folder nor link"),
    "a name twice": ([("a", b"x", 0), ("a", b"y", 0)], "comes twice"),
    "a file too large": ([("a", b"x" * 500_001, 0)], "the limit of one file"),
    "too many entries": ([(f"f{i}", b"", 0) for i in range(101)], "101 entries"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("attack", ZIP_ATTACKS)
def test_a_zip_that_holds_a_trick_is_refused(source: Source, tmp_path: Path, attack: str) -> None:
    members, why = ZIP_ATTACKS[attack]
    archive = zipped(tmp_path / "a.zip", *members)

    refusal = source.refused(archive, max_files=LIMITS.entries, max_file_bytes=LIMITS.file_bytes)

    assert why in refusal
    assert not list(tmp_path.rglob("out"))


def test_a_bomb_is_refused_by_how_much_more_it_unpacks_to(tmp_path: Path) -> None:
    zeros = tar(tmp_path / "a.tar", member("zeros", bytes(150_000_000)))
    with zeros.open("rb") as plain, gzip.open(tmp_path / "bomb.tar.gz", "wb") as packed:
        while chunk := plain.read(1 << 20):
            packed.write(chunk)
    assert (tmp_path / "bomb.tar.gz").stat().st_size < 200_000

    with pytest.raises(TargetError, match="the limit of one file"):
        unpacked(
            tmp_path / "bomb.tar.gz",
            tmp_path / "out",
            ContentLimits(total_bytes=1 << 40, file_bytes=1 << 40, entries=100),
        )


def test_a_zip_that_lies_about_its_sizes_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a", bytes(2_000_000), 0))
    raw = archive.read_bytes()
    archive.write_bytes(raw.replace(struct.pack("<I", 2_000_000), struct.pack("<I", 10)))

    with pytest.raises(TargetError, match="damaged"):
        unpacked(archive, tmp_path / "out")


def test_a_record_that_claims_a_gigabyte_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048))

    with pytest.raises(TargetError, match=r"a record of 1,073,741,824 bytes|is damaged"):
        unpacked(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_that_lost_its_end_anywhere_is_refused(
    source: Source, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    plain = tar(tmp_path / "a", member("a", bytes(range(256)) * 5), member("b")).read_bytes()
    whole = pack(plain[:-9216] if pack(b"ab") == b"ab" else plain)

    for kept in (10, len(whole) // 3, len(whole) // 2, len(whole) - 1024, len(whole) - 2):
        (tmp_path / "a.tar.gz").write_bytes(whole[: max(kept, 1)])
        assert "damaged" in source.refused(tmp_path / "a.tar.gz")


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end(source: Source, tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar", member("a"), member("b"), member("c"))
    raw = bytearray(archive.read_bytes())
    raw[1024 + 20] ^= 1
    archive.write_bytes(raw)

    assert "damaged" in source.refused(archive)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "damaged"), (b"hello", "damaged"), (b"(\xb5/\xfd1234", "zstd"), (b"PK\x03\x04", "damaged")],
)
def test_what_is_no_archive_is_refused(source: Source, tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)

    assert why in source.refused(tmp_path / "a.tar.gz")


def test_a_tar_with_a_zip_at_its_end_is_a_tar(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar", member("a", b"tar"), member("b", b"tar"))
    tail = zipped(tmp_path / "b.zip", ("evil", b"zip", 0)).read_bytes()
    archive.write_bytes(archive.read_bytes() + tail)

    assert unpacked(archive, tmp_path / "out") == {"a": b"tar", "b": b"tar"}


def test_an_encrypted_zip_says_so(source: Source, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a", b"x", 0))
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)

    assert "it is encrypted" in source.refused(archive)


NAMES = st.lists(st.sampled_from(["a", "B", "..", ".", "", "c.txt", ".git", "A"]), min_size=1, max_size=4)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])


@settings(max_examples=60, deadline=None)
@given(entries=st.lists(st.tuples(NAMES, KINDS, NAMES), min_size=1, max_size=6))
def test_whatever_a_tar_holds_nothing_outside_its_folder_changes(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[list[str], bytes, list[str]]]
) -> None:
    base = tmp_path_factory.mktemp("tar")
    (base / "kept").write_text("kept")
    members = [member("/".join(name), kind=kind, to="/".join(to)) for name, kind, to in entries]
    archive = tar(base / "a.tar", *members)
    (base / "out").mkdir()

    with suppress(TargetError):
        unpack(archive, base / "out", LIMITS, where="it")

    assert sorted(path.name for path in base.iterdir()) == ["a.tar", "kept", "out"]
    assert (base / "kept").read_text() == "kept"
    inside = os.path.realpath(base / "out")
    # `realpath` and not `Path.resolve`: a link to itself is harmless, and `resolve` refuses it.
    assert all(Path(os.path.realpath(path)).is_relative_to(inside) for path in (base / "out").rglob("*"))
