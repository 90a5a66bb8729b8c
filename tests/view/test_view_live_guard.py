"""Who the live page's server answers, what it hands out of a run folder, and what its events are."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import Served, served

from honing.errors import StoreError, UsageError
from honing.store import Report, Run, RunStatus
from honing.view import Actions, LiveOptions, serve
from honing.view.live.files import read_plain


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("guarded") / "runs"
    run = Run.create(home, kind="measure", config={"a": 1}, command=["hone", "x"], seed=0, name="one")
    with run.supervise():
        run.write_text("notes.html", "<script>1</script>")
        (run.path / "out").symlink_to("/etc/passwd")
        (home.parent / "secret.txt").write_text("secret")
        Report(title="A page", sections=()).write(run.artifact("report.json"))
    with served(home) as found:
        yield found


def key_in(live: Served) -> str:
    """The page's own key, as the page has it."""
    found = re.search(r'name="honing-key" content="([^"]+)"', live.ask("/")[2])
    assert found is not None
    return found[1]


def test_only_who_has_the_token_and_names_this_machine_is_answered(live: Served) -> None:
    told = {
        "cookie": live.ask("/")[0],
        "token in the address": live.ask(f"/?token={live.token}", known=False)[0],
        "nothing": live.ask("/", known=False)[0],
        "another token": live.ask("/?token=x", known=False)[0],
        "token for data": live.ask(f"/api/compare?token={live.token}", known=False)[0],
        "another cookie": live.ask("/", known=False, headers={"Cookie": f"honing-view-{live.port}=x"})[0],
        "localhost": live.ask("/", headers={"Host": f"localhost:{live.port}"})[0],
        "another name": live.ask("/", headers={"Host": f"evil.example:{live.port}"})[0],
        "another port": live.ask("/", headers={"Host": "127.0.0.1:1"})[0],
        "another method": live.ask("/", method="DELETE")[0],
    }

    assert told == {
        "cookie": 200,
        "token in the address": 200,
        "nothing": 401,
        "another token": 401,
        "token for data": 401,
        "another cookie": 401,
        "localhost": 200,
        "another name": 421,
        "another port": 421,
        "another method": 405,
    }


@pytest.mark.parametrize("other", ['state={"a": 1}', "theme=dark mode", "bare", 'open="', "colour=gr\xfcn"])
def test_cookies_of_other_servers_on_this_machine_do_not_lock_anybody_out(live: Served, other: str) -> None:
    cookies = f"{other}; honing-view-{live.port}={live.token}; {other}"

    assert live.ask("/", known=False, headers={"Cookie": cookies})[0] == 200


def test_the_first_answer_sets_a_cookie_that_no_script_and_no_other_site_gets(live: Served) -> None:
    headers = live.ask(f"/?token={live.token}", known=False)[1]

    assert headers["set-cookie"] == f"{live.cookie}; HttpOnly; SameSite=Strict; Path=/"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith(
        f"default-src 'none'; script-src {live.origin}/assets/live.js; "
    )
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_only_the_page_itself_may_change_something(live: Served) -> None:
    key = live.rows()["one"]["key"]
    path, own = f"/api/runs/{key}/stop", {"Origin": live.origin, "X-Honing-Key": key_in(live)}
    told = {
        "no key": live.ask(path, method="POST", headers={"Origin": live.origin})[0],
        "no origin": live.ask(path, method="POST", headers={"X-Honing-Key": own["X-Honing-Key"]})[0],
        "a sandboxed page": live.ask(path, method="POST", headers={**own, "Origin": "null"})[0],
        "another site": live.ask(path, method="POST", headers={**own, "Origin": "http://evil.example"})[0],
        "no cookie": live.ask(path, method="POST", headers=own, known=False)[0],
        "by GET": live.ask(path, headers=own)[0],
    }
    status, _, body = live.ask(path, method="POST", headers=own)

    assert told == {
        "no key": 403,
        "no origin": 403,
        "a sandboxed page": 403,
        "another site": 403,
        "no cookie": 401,
        "by GET": 405,
    }
    assert (status, body) == (409, '{"error":"one is done; only a run that works can be stopped."}')
    assert not (live.home / "one" / "stop").exists()


def test_a_run_that_is_done_is_not_resumed_and_what_it_printed_stays(live: Served) -> None:
    key = live.rows()["one"]["key"]
    headers = {"Origin": live.origin, "X-Honing-Key": key_in(live)}

    status, _, body = live.ask(f"/api/runs/{key}/resume", method="POST", headers=headers)

    assert (status, body) == (409, '{"error":"one is done; there is nothing to go on with."}')
    assert not (live.home / "one" / "logs" / "resumed.txt").exists()


def test_files_of_a_run_are_text_of_an_origin_of_their_own_and_nothing_outside_is_reached(
    live: Served,
) -> None:
    key = live.rows()["one"]["key"]
    status, headers, body = live.ask(f"/runs/{key}/files/notes.html")
    others = [
        "out",
        "../../secret.txt",
        "%2e%2e/%2e%2e/secret.txt",
        "..%2f..%2fsecret.txt",
        "/etc/passwd",
        "",
    ]
    told = [live.ask(f"/runs/{key}/files/{name}") for name in others]

    assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", "<script>1</script>")
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'; ")
    assert [(found[0], "secret\n" in found[2] or "root:" in found[2]) for found in told] == [(404, False)] * 6


def test_the_page_of_a_run_is_served_into_an_origin_of_its_own(live: Served) -> None:
    status, headers, body = live.ask(f"/runs/{live.rows()['one']['key']}/page")

    assert status == 200
    assert headers["content-security-policy"].startswith("sandbox allow-scripts allow-downloads; ")
    assert "allow-same-origin" not in headers["content-security-policy"]
    assert "<title>A page</title>" in body


def test_who_comes_back_gets_what_was_missed_and_a_stranger_everything(live: Served) -> None:
    ((last, name, document),) = live.events(1)
    Run.create(live.home, kind="harness", config={}, command=[], seed=0, name="two")

    ((_, missed, changes),) = live.events(1, last=last)
    strangers = [live.events(1, last=one)[0] for one in ("", "feed-1", "nonsense", f"{last}9999999", "-")]

    assert (name, [row["name"] for row in document["rows"]]) == ("all", ["one"])
    assert (missed, [row["name"] for row in changes["changed"]], changes["removed"]) == ("rows", ["two"], [])
    assert [(each[1], len(each[2]["rows"])) for each in strangers] == [("all", 2)] * 5


def test_every_page_is_told_what_changes_and_sigterm_ends_them_all(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    run = Run.create(home, kind="measure", config={}, command=[], seed=0, name="one")
    with served(home) as live, live.stream() as first, live.stream() as second:
        before = [next(page)[2]["rows"][0]["status"] for page in (first, second)]
        run.set_status(RunStatus.FAILED, "it broke")
        told = [next(page)[2]["changed"][0]["reason"] for page in (first, second)]
        code = live.end(signal.SIGTERM)
        left = [list(page) for page in (first, second)]
        _, errors = live.process.communicate()

    assert (before, told) == (["created"] * 2, ["it broke"] * 2)
    assert (code, left, errors) == (0, [[], []], "")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::"])
def test_no_other_address_than_the_loopback_is_served(tmp_path: Path, host: str) -> None:
    def never(*_: object) -> None:
        pytest.fail("nothing is to be asked")

    actions = Actions(report_of=never, compare=never, resume=never)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="to this machine alone"):
        serve(tmp_path, actions, LiveOptions(host=host))


def test_a_file_of_a_run_that_was_removed_meanwhile_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the run cannot be read: No such file or directory"):
        read_plain(tmp_path / "gone", "notes.txt")
