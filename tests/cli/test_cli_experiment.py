"""`hone experiment`: a measurement run as an experiment, exit codes, and every form of reading."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hone_process import Hone

REGISTRY = """\
schema: 1
data:
  sums: {sentence: A folder with test.jsonl.}
experiments:
  - id: Sums
    name: sums
    category: Contract
    target: sums
    agent: scripted/perfect
    commands:
      smoke: hone -q measure {sums} --llm scripted/perfect --require-samples --json
      full: hone -q measure {sums} --llm scripted/empty --mode full --json
    artifacts:
      metrics: "{home}/*/metrics.json"
      rollout: "{home}/*/rollout.json"
      hints_used: "{home}/*/hints_used.json"
    metrics: [metrics.score, metrics.level]
    score: ["null", metrics.score]
    done:
      - rollout.ok
      - metrics.ok == true and number(metrics.score)
      - len(hints_used.used_anchors) > 0
      - output.score == metrics.score
      - metrics.score > 0.9
"""


def prepared(hone: Hone) -> Path:
    """The registry, and eight sums."""
    folder = hone.folder / "sums"
    folder.mkdir()
    rows = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(8)]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (hone.folder / "experiments.yaml").write_text(REGISTRY)
    return folder


def test_a_measurement_is_an_experiment_and_its_box_is_ticked_from_its_files(hone: Hone) -> None:
    prepared(hone)

    done = hone("-q", "experiment", "run", "Sums", "--set", "sums=sums", "--json")
    found = json.loads(done.out)
    listed = json.loads(hone("experiment", "list", "--json").out)
    table = hone("experiment", "table").out

    assert (done.code, found["ok"], found["metrics"]) == (
        0,
        True,
        {"metrics.score": 1.0, "metrics.level": "L5"},
    )
    (inner,) = found["runs"]
    assert inner.startswith("runs/Sums-smoke/runs/")
    assert [(row["id"], row["smoke"], row["full"], row["best"]) for row in listed] == [
        ("Sums", "passed", "absent", 1.0)
    ]
    assert "| [x] | [ ] |" in table


def test_a_signal_that_fails_is_exit_code_1(hone: Hone) -> None:
    folder = prepared(hone)

    failed = hone("-q", "experiment", "run", "Sums", "--mode", "full", "--set", f"sums={folder}")

    told = "`metrics.score > 0.9`: it does not hold: metrics.score is 0.0"
    assert (failed.code, told in failed.out) == (1, True)


def test_a_dry_run_says_what_would_be_run_and_makes_nothing(hone: Hone) -> None:
    prepared(hone)

    done = hone("experiment", "run", "Sums", "--set", "sums=sums", "--dry-run", "--json")

    words = json.loads(done.out)["commands"][0]
    assert (done.code, words[1:5]) == (0, ["-m", "honing", "-q", "measure"])
    assert words[5] == str(hone.folder / "sums")
    assert sorted(path.name for path in hone.folder.iterdir()) == ["experiments.yaml", "home", "sums"]


def test_data_may_stand_in_a_file(hone: Hone) -> None:
    prepared(hone)
    (hone.folder / "data.env").write_text("# where it lies\nsums=sums\n")

    done = hone("experiment", "run", "Sums", "--set-file", "data.env", "--dry-run", "--json")

    assert (done.code, json.loads(done.out)["data"]) == (0, {"sums": str(hone.folder / "sums")})


def test_what_is_wrong_with_a_line_is_usage(hone: Hone) -> None:
    prepared(hone)
    wrong = {
        ("run", "Sums"): "{sums} is needed: A folder with test.jsonl. Give it with --set sums=VALUE.",
        ("run", "Sms"): "there is no experiment 'Sms'; did you mean 'Sums'?",
        ("run", "Sums", "--mode", "half"): "--mode 'half': there are smoke, full.",
        ("run", "Sums", "--set", "sums"): "--set takes NAME=VALUE, got 'sums'",
        ("run", "Sums", "--set-file", "none"): "--set-file none: cannot be read",
        ("list", "--registry", "none.yaml"): "none.yaml: cannot be read",
        ("show", "Sms"): "there is no experiment 'Sms'",
    }

    ended = {words: hone("experiment", *words) for words in wrong}

    told = {words: (done.code, wrong[words] in done.err) for words, done in ended.items()}
    assert told == dict.fromkeys(wrong, (2, True))


def test_one_experiment_is_shown_with_its_signals(hone: Hone) -> None:
    prepared(hone)

    shown = hone("experiment", "show", "Sums")
    rows = hone("experiment", "list", "--tsv").out.splitlines()
    schema = json.loads(hone("experiment", "schema").out)

    assert (shown.code, "state: absent" in shown.out, "hone -q measure {sums}" in shown.out) == (
        0,
        True,
        True,
    )
    assert rows[0].split("\t")[:6] == ["id", "category", "target", "agent", "smoke", "full"]
    assert rows[1].split("\t")[:6] == ["Sums", "Contract", "sums", "scripted/perfect", "absent", "absent"]
    assert schema["title"] == "Experiments of a project that uses Honing"


def test_what_was_read_is_shown_for_people(hone: Hone) -> None:
    prepared(hone)
    registry = REGISTRY.replace("metrics: [metrics.score,", "metrics: [metrics.ci95,")
    (hone.folder / "experiments.yaml").write_text(registry)
    assert hone("-q", "experiment", "run", "Sums", "--set", "sums=sums").code == 0

    lines = [line.strip() for line in hone("experiment", "show", "Sums").out.splitlines()]

    (ends,) = [line for line in lines if line.startswith("metrics.ci95: ")]
    (ended,) = [line for line in lines if line.startswith("ended: ")]
    assert re.fullmatch(r"metrics\.ci95: \[0\.\d+, 1\]", ends)
    assert re.fullmatch(r"ended: \d{4}-\d\d-\d\d \d\d:\d\d", ended)
    assert not [line for line in lines if "None" in line]


def test_the_results_file_is_kept_up_to_date(hone: Hone) -> None:
    prepared(hone)

    first = hone("experiment", "table", "--write").out
    second = hone("experiment", "table", "--write").out

    assert (first.split()[0], second.split()[:2]) == ("wrote", ["nothing", "new"])
    assert (hone.folder / "BENCHMARK_RESULTS.md").read_text().startswith("# Benchmark results\n")
