"""Fetching: where a token may go, which way a request takes, what a server may not do; archives behind
addresses."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from target_servers import CERTIFICATE, Answer, Asked, served
from target_sources import Source

from honing.contract import TargetKind
from honing.contract.targets.network import Authorization, proxies, proxy_for


def archive() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as made:
        for name in ("d/a.txt", "d/b.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            made.addfile(entry, io.BytesIO(name.encode()))
    return gzip.compress(raw.getvalue(), mtime=0)


ARCHIVE = archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
CONTENT = {"a.txt": b"d/a.txt", "b.txt": b"d/b.txt"}


@pytest.mark.parametrize(
    ("home", "url", "sent"),
    [
        ("https://hub.org", "https://hub.org/a", True),
        ("https://hub.org", "https://hub.org:443/a", True),
        ("https://hub.org", "http://hub.org/a", False),
        ("https://hub.org", "https://hub.org:8443/a", False),
        ("https://hub.org", "https://cdn.hub.org/a", False),
        ("https://hub.org", "https://hub.org.evil.com/a", False),
        ("https://hub.org", "https://evil.com/hub.org", False),
        ("https://hub.org", "https://hub.org@evil.com/", False),
        ("http://hub.org", "http://hub.org/a", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001/a", False),
    ],
)
def test_a_token_is_sent_to_its_own_server_over_https_or_on_this_machine(
    home: str, url: str, *, sent: bool
) -> None:
    token = Authorization.bearer("canary", home)

    assert token is not None
    assert token.headers_for(url) == ({"authorization": "Bearer canary"} if sent else {})
    assert "canary" not in repr(token)


PROXIES = {
    "HTTPS_PROXY": "http://upper:1",
    "https_proxy": "lower:2",
    "NO_PROXY": "inside.org,.dot.org,10.0.0.1",
}


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://a.org/x", PROXIES, "http://lower:2"),
        ("http://a.org/x", PROXIES, None),
        ("https://inside.org/x", PROXIES, None),
        ("https://deep.inside.org/x", PROXIES, None),
        ("https://x.dot.org/x", PROXIES, None),
        ("https://10.0.0.1:8443/x", PROXIES, None),
        ("https://127.0.0.1:9/x", PROXIES, None),
        ("https://a.org/x", {"ALL_PROXY": "http://all:3"}, "http://all:3"),
        ("https://a.org/x", {**PROXIES, "no_proxy": "*"}, None),
        ("https://a.org/x", {}, None),
    ],
)
def test_the_usual_variables_say_which_way_a_request_takes(
    url: str, variables: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(url, variables) == proxy
    assert set(proxies(variables)) <= {"http", "https"}


def test_a_proxy_is_asked_and_the_target_is_reached_through_it_alone(source: Source) -> None:
    with served(lambda asked: Answer(b"no", 502)) as proxy:
        refusal = source.refused(
            "https://nowhere.invalid/d.tar.gz", variables={"https_proxy": proxy.base}, attempts=1
        )

    assert "no answer after 1 attempts" in refusal
    assert [(asked.method, asked.headers["host"]) for asked in proxy.asked] == [
        ("CONNECT", "nowhere.invalid:443")
    ]


def test_an_archive_is_downloaded_unpacked_and_pinned(source: Source) -> None:
    with served(lambda asked: Answer(ARCHIVE)) as server:
        target = source.resolve(f"{server.base}/d.tar.gz")
        again = source.resolve(target.address)

    assert (source.files(target), target.kind, target.revision) == (CONTENT, TargetKind.ARCHIVE, SHA256)
    assert target.address == f"{server.base}/d.tar.gz#sha256={SHA256}"
    assert (again.tree, len(server.asked)) == (target.tree, 1)


def test_an_archive_that_is_not_what_its_address_promises_is_refused(source: Source) -> None:
    with served(lambda asked: Answer(ARCHIVE)) as server:
        refusal = source.refused(f"{server.base}/d.tar.gz#sha256={'0' * 64}")

    assert f"its sha256 is {SHA256}, expected {'0' * 64}" in refusal


def test_a_file_that_changed_between_two_attempts_is_taken_from_its_start(source: Source) -> None:
    """The second half of one file never follows the first half of another."""
    given = [Answer(bytes(len(ARCHIVE)), headers={"ETag": '"old"'}, cut=60)]

    def changing(asked: Asked) -> Answer:
        if given:
            return given.pop()
        if asked.headers.get("if-range") == '"new"':
            start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
            content_range = f"bytes {start}-{len(ARCHIVE) - 1}/{len(ARCHIVE)}"
            return Answer(ARCHIVE[start:], 206, {"Content-Range": content_range, "ETag": '"new"'})
        return Answer(ARCHIVE, headers={"ETag": '"new"'})

    with served(changing) as server:
        target = source.resolve(f"{server.base}/d.tar.gz")

    assert source.files(target) == CONTENT
    assert server.asked[1].headers["if-range"] == '"old"'


def test_a_server_that_sends_another_part_is_asked_anew(source: Source) -> None:
    given = [Answer(ARCHIVE, cut=60), Answer(ARCHIVE[10:], 206, {"Content-Range": "bytes 10-99/100"})]
    with served(lambda asked: given.pop(0) if given else Answer(ARCHIVE)) as server:
        target = source.resolve(f"{server.base}/d.tar.gz")

    assert source.files(target) == CONTENT
    assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=60-", None]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(b"", 404), "HTTP 404"),
        (Answer(b"", 302), "a redirect to nowhere"),
        (Answer(b"", 302, {"Location": "ftp://host/x"}), "only https is followed"),
        (Answer(b"", 302, {"Location": "http://example.org/x"}), "only https is followed"),
        (Answer(b"", 302, {"Location": "file:///etc/passwd"}), "only https is followed"),
        (Answer(b"", 302, {"Location": "d.tar.gz"}), "more than 8 redirects"),
        (Answer(bytes(5000)), "more bytes than expected or allowed"),
    ],
)
def test_what_a_server_may_not_do_is_refused(source: Source, answer: Answer, why: str) -> None:
    with served(lambda asked: answer) as server:
        assert why in source.refused(f"{server.base}/d.tar.gz", max_total_bytes=4096)


def test_the_login_of_an_address_is_shown_to_its_server_alone(source: Source, tmp_path: Path) -> None:
    with served(lambda asked: Answer(ARCHIVE)) as other:
        away = Answer(b"", 302, {"Location": f"{other.base}/d.tar.gz?X-Amz-Signature=canary"})
        with served(lambda asked: away) as server:
            target = source.resolve(f"{server.base.replace('://', '://ada:canary@')}/d.tar.gz")

    header = "Basic " + base64.b64encode(b"ada:canary").decode()
    assert (server.authorizations, other.authorizations) == ([header], [])
    assert "canary" not in str(target.as_document())


def test_certificates_are_checked_and_an_authority_of_ones_own_is_heeded(source: Source) -> None:
    with served(lambda asked: Answer(ARCHIVE), tls=True) as server:
        refusal = source.refused(f"{server.base}/d.tar.gz")
        target = source.resolve(f"{server.base}/d.tar.gz", variables={"SSL_CERT_FILE": str(CERTIFICATE)})

    assert "its certificate is not trusted" in refusal
    assert source.files(target) == CONTENT


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"GIT_SSL_NO_VERIFY": "true"}, "GIT_SSL_NO_VERIFY is set"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "holds no certificates"),
    ],
)
def test_surroundings_that_cannot_be_trusted_are_refused(
    source: Source, variables: dict[str, str], why: str
) -> None:
    assert why in source.refused("https://nowhere.invalid/d.tar.gz", variables=variables)


def test_a_mirror_holds_archives_by_host_and_path(source: Source, tmp_path: Path) -> None:
    place = tmp_path / "mirror" / "example.org" / "files"
    place.mkdir(parents=True)
    (place / "d.tar.gz").write_bytes(ARCHIVE)

    refusal = source.refused("https://example.org/files/other.tar.gz", mirror=tmp_path / "mirror")
    target = source.resolve("https://example.org/files/d.tar.gz", mirror=tmp_path / "mirror")

    assert "is not in the mirror" in refusal
    assert (source.files(target), target.revision) == (CONTENT, SHA256)


def test_a_fetch_that_takes_too_long_ends(source: Source) -> None:
    ticks = iter(range(0, 10_000, 100))
    with served(lambda asked: Answer(b"", 503)) as server:
        refusal = source.refused(
            f"{server.base}/d.tar.gz", total_timeout_s=250.0, clock=lambda: float(next(ticks))
        )

    assert "not done after 250 s" in refusal
