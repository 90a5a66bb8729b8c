"""A student's harness: the folder that is read as hostile, the rules, and acting through it."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from honing.environments import ChainPolicy, world_named
from honing.errors import UsageError
from honing.learn import (
    ActingHarness,
    Example,
    Harnessed,
    Keep,
    MockPolicy,
    Note,
    Prompt,
    Situation,
    Start,
    Turn,
    acting_files,
    acting_from_files,
    harnessed,
    noted_examples,
    policy_from,
    read_acting,
    roll_out,
)
from honing.learn.acting.rules import excluded, ruled, tempered

RICH = ActingHarness(
    prompt=Prompt(history=2, template="{patch}{goal} | {history} | {observation} ->"),
    temperature=0.25,
    loop_breaker=2,
    retry=1,
    notes=(
        Note(say='mind the "sign": it tells', goal=("out",), seen=("sign",), unseen=("pit",), can=("door",)),
    ),
)
HERE = Situation(goal="get out", observation="a hall with a sign", actions=("red door", "blue door", "wait"))
EVEN = (math.log(1 / 3),) * 3
CHAIN = {"kind": "honing.environments:ChainPolicy"}
PLAIN = acting_files(ActingHarness())


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in {**PLAIN, **files}.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


@pytest.mark.parametrize("harness", [ActingHarness(), RICH], ids=["the usual one", "one with everything"])
def test_a_folder_gives_the_harness_that_wrote_it(harness: ActingHarness) -> None:
    assert acting_from_files(acting_files(harness)) == harness
    assert ActingHarness.from_document(harness.as_document()) == harness


def test_a_plain_harness_is_written_as_people_read_it() -> None:
    assert PLAIN == {
        "prompt.txt": "{patch}Goal: {goal}\nDone: {history}\nSeen: {observation}\nAction:\n",
        "harness.yaml": "history: 4\ntemperature: 1.0\nloop_breaker: off\nretry: off\nnotes: []\n",
    }


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"harness.yaml": "histery: 3\n"}, "harness.yaml:1: unknown key 'histery'; did you mean 'history'?"),
        ({"harness.yaml": "history: 65\n"}, "harness.yaml:1: history: input should be less than or equal"),
        ({"harness.yaml": "temperature: .nan\n"}, "temperature: input should be a finite number"),
        ({"harness.yaml": "temperature: -1\n"}, "temperature: input should be greater than or equal to 0"),
        ({"harness.yaml": "retry: 0\n"}, "retry"),
        ({"harness.yaml": "retry: 1\nretry: 2\n"}, "harness.yaml:2"),
        ({"harness.yaml": "a: &a [x]\nb: [*a, *a]\n"}, "aliases (*name) are not used here"),
        ({"harness.yaml": "!!python/object/apply:os.system ['true']\n"}, "harness.yaml"),
        ({"harness.yaml": "- 1\n"}, "harness.yaml:1"),
        ({"harness.yaml": "notes: [{say: ''}]\n"}, "notes.0.say"),
        ({"harness.yaml": "notes: [" + "{say: x}, " * 33 + "]\n"}, "notes"),
        ({"harness.yaml": "[" * 5000}, "harness.yaml"),
        ({"harness.yaml": "history: 1 # " + "x" * 20_000}, "at most 16384"),
        ({"harness.yaml": b"history: \xff\n"}, "not UTF-8"),
        ({"prompt.txt": "{observation} {goal.__class__}"}, "{goal.__class__} cannot be filled"),
        ({"prompt.txt": "{goal}"}, "shows no {observation}"),
        ({"prompt.txt": "{observation"}, "is no template"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_cannot_be_used_is_an_error_that_says_where(
    tmp_path: Path, files: dict[str, str | bytes], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        read_acting(write(tmp_path, files))


@pytest.mark.parametrize("name", ["prompt.txt", "harness.yaml"])
@pytest.mark.parametrize("odd", ["link", "pipe", "missing"])
def test_only_plain_files_are_read(tmp_path: Path, name: str, odd: str) -> None:
    path = write(tmp_path, {}) / name
    path.unlink()
    if odd == "link":
        path.symlink_to("/etc/hostname")
    elif odd == "pipe":
        os.mkfifo(path)

    with pytest.raises(UsageError, match=name):
        read_acting(tmp_path)


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, (0.5, 0.25, 0.25)), (0.5, (4 / 6, 1 / 6, 1 / 6)), (0.0, (1.0, 0.0, 0.0))],
)
def test_temperature_sharpens_the_distribution(temperature: float, expected: tuple[float, ...]) -> None:
    found = tempered([math.log(0.5), math.log(0.25), math.log(0.25)], temperature)

    assert [math.exp(value) for value in found] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("harness", "history", "seen", "out"),
    [
        (ActingHarness(retry=1), ("red door",), (HERE.observation,), {"red door"}),
        (ActingHarness(retry=2), ("red door",), (HERE.observation,), set()),
        (ActingHarness(retry=1), ("red door",), ("a cellar",), set()),
        (ActingHarness(retry=1), ("red door", "wait"), ("a cellar",), set()),
        (ActingHarness(loop_breaker=2), ("wait", "wait"), (HERE.observation,) * 2, {"wait"}),
        (ActingHarness(loop_breaker=2), ("wait", "wait"), ("a cellar", HERE.observation), set()),
        (ActingHarness(loop_breaker=2), ("red door", "wait"), (HERE.observation,) * 2, set()),
        (ActingHarness(loop_breaker=3), ("wait", "wait"), (HERE.observation,) * 2, set()),
        (ActingHarness(), ("wait", "wait"), (HERE.observation,) * 2, set()),
    ],
    ids=[
        "tried once here", "may be tried twice", "tried elsewhere", "only the last is known",
        "twice in a row", "it moved in between", "two different ones", "not often enough", "no rules",
    ],
)  # fmt: skip
def test_rules_exclude_what_led_nowhere(
    harness: ActingHarness, history: tuple[str, ...], seen: tuple[str, ...], out: set[str]
) -> None:
    assert excluded(harness, replace(HERE, history=history, seen=seen)) == out


def test_an_excluded_action_has_no_chance_and_the_others_share_it() -> None:
    situation = replace(HERE, history=("wait",), seen=(HERE.observation,))

    found = ruled(ActingHarness(retry=1), situation, EVEN)

    assert [math.exp(value) for value in found] == pytest.approx([0.5, 0.5, 0.0])


def test_a_rule_gives_way_where_it_would_leave_nothing() -> None:
    situation = replace(HERE, history=HERE.actions, seen=(HERE.observation,) * 3)

    assert ruled(ActingHarness(retry=1), situation, EVEN) == pytest.approx(EVEN)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, RICH.notes[0].say),
        ({"goal": "GET OUT"}, RICH.notes[0].say),
        ({"goal": "get in"}, ""),
        ({"observation": "a hall"}, ""),
        ({"observation": "a sign in a pit"}, ""),
        ({"actions": ("wait",)}, ""),
    ],
)
def test_a_note_is_shown_where_all_of_its_conditions_hold(change: dict[str, Any], shown: str) -> None:
    assert RICH.noted(replace(HERE, **change)) == shown


def test_a_note_stands_before_a_patch_of_the_turns_own() -> None:
    policy = harnessed(MockPolicy(), RICH)
    example = Example(situation=HERE, action="wait")

    assert (
        policy.shown(Turn(situation=replace(HERE, patch="so"))).situation.patch == f"{RICH.notes[0].say}\nso"
    )
    assert noted_examples([example], RICH)[0].situation.patch == RICH.notes[0].say


def test_episodes_tell_what_was_seen_before_each_action() -> None:
    asked: list[Situation] = []

    class Listening(MockPolicy):
        def logprobs(self, turns):  # type: ignore[no-untyped-def]
            asked.extend(turn.situation for turn in turns)
            return super().logprobs(turns)

    world = world_named("scripted")
    (episode,) = roll_out(
        Listening(), world, [Start(task=world.tasks("a", 1)[0])], temperature=1.0, seed=0, keep=Keep.STEPS
    )

    assert [one.observation for one in asked] == [move.observation for move in episode.moves]
    assert asked[-1].seen == tuple(move.observation for move in episode.moves[:-1])


def test_a_policy_acts_through_the_harness_of_its_document() -> None:
    world = world_named("scripted")
    starts = [Start(task=task) for task in world.tasks("a", 40)]
    bold = {**CHAIN, "harness": ActingHarness(temperature=0.0).as_document()}

    through = roll_out(policy_from(bold), world, starts, temperature=1.0, seed=0)
    likeliest = roll_out(ChainPolicy(), world, starts, temperature=0.0, seed=0)
    plain = roll_out(ChainPolicy(), world, starts, temperature=1.0, seed=0)

    assert [one.actions for one in through] == [one.actions for one in likeliest]
    assert [one.actions for one in through] != [one.actions for one in plain]


def test_nothing_is_tried_twice_under_retry_while_something_is_untried() -> None:
    world = world_named("scripted", {"stay_share": 1.0, "pit_share": 0.0})
    starts = [Start(task=task) for task in world.tasks("a", 60)]

    def repeats(harness: ActingHarness) -> int:
        policy = Harnessed(MockPolicy(), harness)
        episodes = roll_out(policy, world, starts, temperature=1.0, seed=0, keep=Keep.STEPS)
        count = 0
        for episode in episodes:
            tried: dict[str, set[str]] = {}
            for move in episode.moves:
                before = tried.setdefault(move.observation, set())
                count += move.action in before and before != set(move.actions)
                before.add(move.action)
        return count

    assert repeats(ActingHarness()) > 100
    assert repeats(ActingHarness(retry=1)) == 0


def test_other_rules_are_another_identity() -> None:
    policy = ChainPolicy()
    found = {
        Harnessed(policy, one).identity()
        for one in (ActingHarness(), ActingHarness(retry=1), ActingHarness(temperature=0.5), RICH)
    }

    assert len(found) == 4
