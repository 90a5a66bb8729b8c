"""The live page in a real Chromium over real runs: watched, stopped, resumed, compared, attacked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from live_server import Served, clean_environ, served

from honing.contract import compare_runs
from honing.llm import ModelRequest, ScriptedModel, ScriptedServer
from honing.store import Run, RunStatus
from hostile_runs import hostile_run
from made_runs import made_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ROWS = 24


class Paced:
    """A model that answers as often as it is let."""

    def __init__(self) -> None:
        self.allowed = threading.Semaphore(0)

    def __call__(self, request: ModelRequest) -> str:
        assert self.allowed.acquire(timeout=60)
        # Units that are quicker share a commit, which would wait for one that is not let.
        time.sleep(0.03)
        number = int(request.messages[-1].text.split()[2])
        return f"#### {2 * number if number % 3 else 7}"

    def let(self, answers: int) -> None:
        self.allowed.release(answers)


@pytest.fixture(scope="module")
def paced() -> Paced:
    return Paced()


@pytest.fixture(scope="module")
def model(paced: Paced) -> Iterator[ScriptedServer]:
    with ScriptedServer(ScriptedModel(paced)) as server:
        yield server


@pytest.fixture(scope="module")
def live(model: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over two measurements, a hostile run, a damaged one, and one with two runs inside."""
    folder = tmp_path_factory.mktemp("live")
    home = folder / "runs"
    made_run(home, [1.0, 0.0, 1.0, 0.0] * 6)
    made_run(home, [1.0, 1.0, 1.0, 0.0] * 6)
    hostile_run(home)
    (home / "broken").mkdir()
    (home / "broken" / "run.json").write_text('{"schema": 1, <b>')
    outer = Run.create(home, kind="improve", config={}, command=["hone", "x"], seed=0, name="outer")
    with outer.supervise():
        for number in range(2):
            Run.create(outer.path / "steps", kind="harness", config={}, command=[], seed=0, name=f"p{number}")
    (folder / "data").mkdir()
    rows = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(ROWS)]
    (folder / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    environ = {"OPENAI_BASE_URL": f"{model.base_url}/v1", "OPENAI_API_KEY": "none"}
    with served(home, environ=environ) as found:
        yield found


def measure(live: Served, model: ScriptedServer) -> subprocess.Popen[bytes]:
    """A measurement of the paced model, one call at a time."""
    environ = {"OPENAI_BASE_URL": f"{model.base_url}/v1", "OPENAI_API_KEY": "none"}
    words = ["measure", "data", "--llm", "m", "--mode", "full", "--max-connections", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "honing", "--home", str(live.home), *words],
        cwd=live.home.parent,
        env=clean_environ(live.home.parent, environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def measured(live: Served) -> list[dict[str, Any]]:
    """The lines of measurements that are done."""
    return [row for row in live.rows().values() if (row.get("kind"), row["status"]) == ("measure", "done")]


def names(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all("#rows .name > a", "nodes => nodes.map(n => n.textContent)")
    return found


def test_a_run_is_watched_to_its_end_stopped_and_resumed_from_the_page(
    live: Served, model: ScriptedServer, paced: Paced, chromium_page: Page, complaints: list[str]
) -> None:
    page = chromium_page
    page.goto(live.address)
    process = measure(live, model)
    page.locator("#rows tr", has_text="running").locator(".name > a").click()
    shown = page.locator("#run")
    shown.locator("h1").wait_for()
    name = shown.locator("h1").inner_text()

    paced.let(8)
    shown.get_by_text("8 judged").wait_for()
    so_far = shown.locator(".big").inner_text()
    shown.get_by_role("button", name="Stop").click()
    page.get_by_text("Asked to stop").wait_for()
    paced.let(1)
    shown.locator(".badge", has_text="stopped").wait_for()
    stopped = process.wait(timeout=30)
    shown.get_by_role("button", name="Resume").click()
    paced.let(ROWS)
    shown.locator(".badges .badge.good", has_text="done").wait_for()
    page.wait_for_function(
        "document.querySelector('#run .number .label')?.textContent.startsWith('accuracy')"
    )

    run = Run.open(live.home / name)
    metrics = run.read_json("metrics.json")
    low, high = (f"{end:.3f}" for end in metrics["ci95"])
    assert so_far == "0.625"
    assert stopped == 5
    assert (run.status, metrics["n_scored"], len(model.requests)) == (RunStatus.DONE, ROWS, ROWS)
    assert shown.locator(".big").inner_text() == f"{metrics['score']:.3f}" == "0.667"
    assert shown.locator(".within .num").inner_text() == f"{low} to {high}"
    assert "hone" not in page.url.partition("?")[2]
    assert "token" not in page.url
    assert complaints == []
    in_the_page_of_a_run_its_samples_are_filtered(page, complaints)


def in_the_page_of_a_run_its_samples_are_filtered(page: Page, complaints: list[str]) -> None:
    """On the run that was just measured: its page, in the frame and alone."""
    frame = page.frame_locator("iframe.report")
    frame.locator("[data-mark=wrong]").click()
    in_frame = frame.locator(".count").inner_text()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open its page").click()
    alone = opened.value
    alone.locator("[data-mark=wrong]").click()

    assert in_frame == f"8 of {ROWS} samples"
    assert alone.locator(".row").count() == 8
    assert alone.evaluate("window.origin") == "null"
    assert complaints == []


def test_the_list_is_filtered_sorted_and_walked_by_keys(
    live: Served, chromium_page: Page, complaints: list[str]
) -> None:
    page = chromium_page
    page.goto(live.address)
    page.locator("#rows tr").first.wait_for()

    page.get_by_label("Status").select_option("damaged")
    damaged = page.locator("#rows tr")
    told = (
        damaged.count(),
        damaged.locator(".name > a").inner_text(),
        damaged.locator(".badge").inner_text(),
    )
    why = damaged.locator(".why").inner_text()
    page.get_by_label("Status").select_option("")
    page.get_by_label("Kind").select_option("harness")
    nested = names(page)
    page.get_by_label("Kind").select_option("")
    page.get_by_role("button", name="Run", exact=True).click()
    by_name = names(page)
    page.keyboard.press("/")
    page.keyboard.type("outer")
    page.get_by_text("3 of ").wait_for()
    searched = names(page)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.locator("#run h1").wait_for()

    assert told == (1, "broken", "damaged")
    assert "expected JSON" in why
    # What matches inside a run is shown below it.
    assert nested == ["outer", "steps/p0", "steps/p1"]
    assert by_name.index("broken") < by_name.index("outer") < len(by_name) - 1
    assert searched == ["outer", "steps/p0", "steps/p1"]
    assert focused == "steps/p0"
    assert page.locator("#run h1").inner_text() == "steps/p0"
    assert page.locator("#run").get_by_role("button", name="Resume").count() == 0
    assert complaints == []


def test_two_runs_are_compared_with_the_difference_that_runs_compare_gives(
    live: Served, chromium_page: Page, complaints: list[str]
) -> None:
    a, b = sorted(measured(live), key=lambda row: str(row["id"]))[:2]
    expected = compare_runs(*(Run.open(live.home / row["name"]) for row in (a, b)))
    page = chromium_page
    page.goto(live.address)

    page.get_by_label(f"Pick {a['name']} for a comparison").check()
    page.get_by_label(f"Pick {b['name']} for a comparison").check()
    page.get_by_role("button", name="Compare the two").click()
    page.get_by_text("Difference on the same samples").wait_for()
    shown = page.locator("#compare section").first

    low, high = (f"{end:+.3f}".replace("-", "\N{MINUS SIGN}") for end in expected.as_document()["ci95"])
    assert shown.locator(".big").inner_text() == f"{expected.interval.estimate:+.3f}" == "+0.250"
    assert shown.locator(".within .num").inner_text() == f"{low} to {high}"
    assert shown.locator(".strip dd").first.inner_text() == "24 of 24 tasks"
    assert page.get_by_text("6 samples flipped").count() == 1
    assert complaints == []


def test_a_hostile_run_is_inert_in_the_list_its_view_its_page_and_a_comparison(
    live: Served, chromium_page: Page, complaints: list[str]
) -> None:
    (hostile,) = [row for row in live.rows().values() if "owned" in row["name"]]
    other = measured(live)[0]
    page = chromium_page
    page.goto(live.address)
    page.locator("#rows tr").first.wait_for()
    seen = [look(page)]

    views = {
        f"run/{hostile['key']}": "#run .part-config",
        f"compare/{hostile['key']}/{other['key']}": "#compare h2",
    }
    for view, part in views.items():
        page.goto(f"{live.origin}/#/{view}")
        page.locator(part).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate(
            "document.querySelectorAll('main *').forEach((n) => n.dispatchEvent(new Event('mouseover')))"
        )
        seen.append(look(page))
    page.goto(f"{live.origin}/runs/{hostile['key']}/page")
    page.locator("h1").wait_for()
    title = page.title()

    assert seen == [{"scripts": 1, "planted": 0, "wide": False}] * 3
    assert title.strip() != "owned"
    assert complaints == []


def test_the_policy_stops_a_script_that_got_into_the_page_all_the_same(
    live: Served, chromium_page: Page, complaints: list[str]
) -> None:
    page = chromium_page
    page.goto(live.address)

    page.evaluate(
        "(() => { const script = document.createElement('script');"
        "script.textContent = 'document.title = \"owned\"'; document.body.append(script);"
        "const image = document.createElement('img'); image.src = 'http://127.0.0.1:1/x.png';"
        "document.body.append(image); })()"
    )

    assert page.title() == "Runs"
    assert sum("Content Security Policy" in each for each in complaints) >= 2


def look(page: Page) -> dict[str, Any]:
    """What a hostile text would have changed."""
    assert page.title() != "owned"
    planted = "main img, main script, main style, main object, main embed, main base, main form, main meta"
    return {
        "scripts": page.locator("script").count(),
        "planted": page.locator(planted).count() + page.locator("a[href^=javascript]").count(),
        "wide": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
    }


def test_a_read_only_page_stops_and_resumes_nothing_and_is_told_when_the_server_ends(
    tmp_path: Path, chromium_page: Page
) -> None:
    home = tmp_path / "runs"
    stopped = Run.create(home, kind="measure", config={}, command=["hone", "x"], seed=0, name="stopped")
    stopped.set_status(RunStatus.STOPPED)
    with served(home, "--read-only") as live:
        page = chromium_page
        page.goto(live.address)
        page.get_by_role("link", name="stopped").click()
        page.locator("#run section.part-config").wait_for()
        buttons = page.locator("#run .acts button").all_inner_texts()
        answer = page.evaluate(
            "fetch(`/api/runs/${location.hash.split('/')[2]}/resume`, {method: 'POST', headers: "
            "{'X-Honing-Key': document.querySelector('meta[name=honing-key]').content}})"
            ".then(async (found) => [found.status, await found.text()])"
        )
        code = live.end(signal.SIGINT)
        page.locator("#link[data-state=lost]").wait_for()

    assert buttons == ["Compare with …"]
    assert (answer[0], "--read-only" in answer[1]) == (409, True)
    assert code == 130
