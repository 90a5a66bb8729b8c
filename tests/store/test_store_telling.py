"""What a run tells while it works: written seldom, bounded, and never a reason to fail."""

from __future__ import annotations

import json
import time
from pathlib import Path

from honing.store import Telling, read_log, read_progress


class Ticks:
    """Monotonic time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def done_of(folder: Path) -> dict[str, int]:
    return {one["step"]: one["done"] for one in read_progress(folder)}


def test_a_step_is_written_at_most_every_half_second_and_its_last_word_always(tmp_path: Path) -> None:
    ticks = Ticks()
    telling = Telling(tmp_path, ticks=ticks)
    asked: list[int] = []

    def standing(done: int) -> dict[str, int]:
        asked.append(done)
        return {"done": done}

    for done in range(50):
        telling.step("s", lambda done=done: standing(done))  # type: ignore[misc]
    at_first = done_of(tmp_path)
    deadline = time.monotonic() + 30
    while done_of(tmp_path) != {"s": 49}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ticks.now += 1
    telling.step("s", lambda: standing(50))

    assert at_first == {"s": 0}
    assert asked == [0, 49, 50]
    assert done_of(tmp_path) == {"s": 50}


def test_several_steps_stand_beside_each_other_and_those_of_earlier_sessions_stay(tmp_path: Path) -> None:
    first = Telling(tmp_path)
    first.step("a", lambda: {"done": 1}, at_once=True)
    first.step("b", lambda: {"done": 2}, at_once=True)
    Telling(tmp_path).step("a", lambda: {"done": 3}, at_once=True)

    assert list(done_of(tmp_path).items()) == [("b", 2), ("a", 3)]


def test_the_log_is_bounded_and_keeps_whole_lines_of_the_end(tmp_path: Path) -> None:
    telling = Telling(tmp_path, clock=lambda: 0.0)
    for number in range(700):
        telling.line(f"{number} " + "x" * 5000 + "\nnever seen")
    lines = read_log(tmp_path, most_bytes=10**9)

    assert (tmp_path / "logs/log.txt").stat().st_size < 1_100_000
    assert lines[-1].startswith("1970-01-01T00:00:00Z 699 xxx")
    assert all(line.startswith("1970-01-01T00:00:00Z ") and len(line) < 2100 for line in lines)
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], 700))


def test_a_folder_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    telling = Telling(tmp_path)

    telling.line("hello")
    telling.step("s", lambda: {"done": 1}, at_once=True)

    assert (read_log(tmp_path), read_progress(tmp_path)) == ([], [])


def test_what_cannot_be_understood_reads_as_nothing_told(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    told = []
    for content in ("", "[]", '{"steps": 1}', '{"steps": [1, {"no": "name"}]}', "{" * 100_000):
        (tmp_path / "logs/progress.json").write_text(content)
        told.append(read_progress(tmp_path))
    (tmp_path / "logs/progress.json").write_text(json.dumps({"steps": [{"step": "s", "done": 1}]}))

    assert told == [[]] * 5
    assert done_of(tmp_path) == {"s": 1}


def test_a_link_in_place_of_the_log_is_neither_followed_nor_read(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine\n")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/log.txt").symlink_to(elsewhere)

    Telling(tmp_path).line("not yours")

    assert (elsewhere.read_text(), read_log(tmp_path)) == ("mine\n", [])
