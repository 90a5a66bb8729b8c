"""`hone harness probe`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from hone_process import Hone


def agent(folder: Path, text: str) -> str:
    path = folder / "my-agent"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return "command:./my-agent"


def test_an_agent_that_works_is_shown_level_by_level(hone: Hone) -> None:
    ended = hone("harness", "probe", "oracle")

    lines = [line.split(None, 1) for line in ended.out.splitlines() if line]
    assert ended.code == 0
    assert [" ".join(words) for words in lines if words[0] != "sandbox"] == [
        "agent oracle, no version of its own",
        "model -",
        "launches yes",
        "writes not asked: it does not read its brief",
        "benchmark-validated yes (score 0.200 -> 1.000)",
        "support validated",
    ]


def test_one_that_does_not_exits_with_1_and_says_what_to_do(hone: Hone) -> None:
    ended = hone("harness", "probe", agent(hone.folder, "echo 'No models available.' >&2; exit 1"))

    assert ended.code == 1
    assert "support              launches\n" in ended.out
    assert "trouble              model: it ended with 1: No models available.\n" in ended.out
    assert "next step            Name a model that the server has" in ended.out


def test_json_is_one_document_with_the_agents_own_words(hone: Hone) -> None:
    name = agent(hone.folder, "echo ready > honing-probe.txt; echo bye")

    ended = hone("harness", "probe", name, "--level", "writes", "--json")

    document = json.loads(ended.out)
    assert (ended.code, document["support"], document["validated"]) == (0, "writes", None)
    assert (document["run"]["message"], document["run"]["outcome"]) == ("bye", "finished")


def test_a_dry_run_starts_nothing(hone: Hone) -> None:
    name = agent(hone.folder, "touch /tmp/never")

    ended = hone("harness", "probe", name, "--dry-run", "--agent-timeout", "60", "--json")
    words = hone("harness", "probe", name, "--dry-run", "--level", "launches")

    assert json.loads(ended.out) == {"cost_usd": None, "longest_s": 120.0, "sessions": 2, "tokens": None}
    assert (words.code, words.out) == (0, "0 sessions of the agent, 0 s at most\n")


def test_options_reach_the_agent(hone: Hone) -> None:
    name = agent(hone.folder, 'echo "$WORD" > honing-probe.txt')

    given = hone(
        *("harness", "probe", name, "--level", "writes"), "--agent-option", "env={WORD: ready}", "--json"
    )
    wrong = hone("harness", "probe", name, "--agent-option", "evn={WORD: ready}")

    assert (given.code, json.loads(given.out)["writes"]) == (0, True)
    assert (wrong.code, "Did you mean 'env'?" in wrong.err) == (2, True)


def test_what_cannot_be_understood_exits_with_2(hone: Hone) -> None:
    unknown = hone("harness", "probe", "codecs")
    level = hone("harness", "probe", "nop", "--level", "all")

    assert (unknown.code, "there is no such agent; known are codex" in unknown.err) == (2, True)
    assert (level.code, "expected launches, writes or validated" in level.err) == (2, True)


def test_an_agent_without_a_model_is_told_so(hone: Hone) -> None:
    bin_folder = hone.folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "codex").write_text("#!/bin/sh\necho codex 9.8.7\n")
    (bin_folder / "codex").chmod(0o755)

    ended = hone("harness", "probe", "codex", environ={"PATH": f"{bin_folder}:{hone.environ['PATH']}"})

    assert ended.code == 1
    assert "agent                codex, 9.8.7 (tested with 0.169.0)\n" in ended.out
    assert "trouble              model: no model is configured for it\n" in ended.out
