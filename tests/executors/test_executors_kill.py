"""kill -9 anywhere, run again: no finished unit is redone and the artifacts are the same."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from executor_campaigns import Campaign

from honing.store import RunStatus, identity

UNITS = 60


def kill_and_resume(campaign: Campaign, points: list[int], order: random.Random) -> int:
    """Kill the program once it has started that many units, again and again; then let it finish.

    Returns:
        How many kills hit a program that was still working.
    """
    frozen: dict[int, int] = {}
    hits = 0
    for point in points:
        process = campaign.start()
        campaign.wait_for_starts(point, process)
        time.sleep(order.random() * 0.02)
        process.kill()
        hits += process.wait() != 0
        campaign.wait_until_quiet()

        starts = Counter(campaign.starts())
        assert {unit: starts[unit] for unit in frozen} == frozen
        frozen = {unit: starts[unit] for unit in campaign.committed()}
        if (campaign.folder / "run.json").exists():
            assert campaign.run.status in (RunStatus.INTERRUPTED, RunStatus.CREATED, RunStatus.DONE)

    code, output = campaign.finish()
    assert (code, output) == (0, "")
    starts = Counter(campaign.starts())
    assert {unit: starts[unit] for unit in frozen} == frozen
    assert sorted(starts) == list(range(UNITS))
    return hits


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The identity of a campaign that nobody disturbed."""
    quiet = Campaign(tmp_path_factory.mktemp("undisturbed"), "inline", 1, UNITS, 0.0)
    assert quiet.finish() == (0, "")
    return identity(quiet.folder)


@pytest.mark.parametrize(
    ("executor", "workers"), [("inline", 1), ("local", 4)], ids=["one at a time", "four processes"]
)
def test_a_campaign_killed_at_five_points_ends_as_if_undisturbed(
    campaign: Callable[..., Campaign], undisturbed: dict[str, str], executor: str, workers: int
) -> None:
    order = random.Random(workers)
    disturbed = campaign(executor=executor, workers=workers)

    hits = kill_and_resume(disturbed, sorted(order.sample(range(1, UNITS - 5), 5)), order)

    assert hits == 5
    assert list(undisturbed) == ["metrics.json", "samples.jsonl", "samples.tsv"]
    assert identity(disturbed.folder) == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("executor", "workers"),
    [("inline", 1), ("threads", 4), ("local", 1), ("local", 4)],
    ids=["one at a time", "four threads", "one process", "four processes"],
)
def test_a_campaign_killed_at_forty_points_ends_as_if_undisturbed(
    campaign: Callable[..., Campaign], undisturbed: dict[str, str], executor: str, workers: int
) -> None:
    order = random.Random(100 + workers)
    hits = 0
    for number in range(8):
        disturbed = campaign(f"c{number}", executor=executor, workers=workers)
        hits += kill_and_resume(disturbed, sorted(order.sample(range(1, UNITS - 5), 5)), order)
        assert identity(disturbed.folder) == undisturbed

    assert hits >= 36


def test_a_campaign_killed_while_it_starts_up_ends_as_if_undisturbed(
    campaign: Callable[..., Campaign], undisturbed: dict[str, str]
) -> None:
    """Kills before the first unit: while the run folder, its journal and the workers come to be."""
    disturbed = campaign(pause_s=0.0)
    for delay_s in (0.05, 0.12, 0.18, 0.24):
        process = disturbed.start()
        time.sleep(delay_s)
        process.kill()
        process.wait()

    assert disturbed.finish() == (0, "")
    assert identity(disturbed.folder) == undisturbed
    assert set(Counter(disturbed.starts())) == set(range(UNITS))


def test_a_full_disk_stops_the_campaign_and_loses_nothing(
    campaign: Callable[..., Campaign], undisturbed: dict[str, str]
) -> None:
    full = campaign(pause_s=0.03)
    full.file_limit_kb = 600
    code, output = full.finish()
    kept = full.committed()
    full.file_limit_kb = None
    full.pause_s = 0.0

    assert code == 1
    assert "journal.sqlite: cannot write the journal: " in output
    assert 0 < len(kept) < UNITS
    assert full.run.status is RunStatus.FAILED
    assert full.finish() == (0, "")
    starts = Counter(full.starts())
    assert [starts[unit] for unit in kept] == [1] * len(kept)
    assert identity(full.folder) == undisturbed


def test_a_result_committed_under_one_executor_is_reused_by_another(
    campaign: Callable[..., Campaign], undisturbed: dict[str, str], tmp_path: Path
) -> None:
    first = campaign(pause_s=0.02)
    process = first.start()
    first.wait_for_starts(20, process)
    process.kill()
    process.wait()
    kept = first.committed()
    second = campaign(executor="threads", workers=4)

    assert second.finish() == (0, "")
    starts = Counter(second.starts())
    assert len(kept) >= 15
    assert [starts[unit] for unit in kept] == [1] * len(kept)
    assert identity(second.folder) == undisturbed
