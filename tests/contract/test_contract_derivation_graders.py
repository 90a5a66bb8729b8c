"""A target's own grader is never silently replaced by its data; every command that counts has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import made
from named_targets import combined_target, judging_target, questions

from honing.contract.derive import Derived, GapError, contract_for

HOLED = """# Sums

## Evaluation

```bash
python evaluate.py --rules <RULES> --answers my_answers.jsonl
```
"""


def holed_target(folder: Path) -> Path:
    """Data with short answers, and a grader that needs something nobody names."""
    return made(folder, {"README.md": HOLED, "evaluate.py": "", "data/questions.jsonl": questions()})


def gap_of(folder: Path, **options: str) -> GapError:
    with pytest.raises(GapError) as raised:
        contract_for(folder, **options)  # type: ignore[arg-type]
    return raised.value


def test_a_grader_that_cannot_be_used_is_not_replaced_by_the_data(tmp_path: Path) -> None:
    gap = gap_of(holed_target(tmp_path / "sums"))

    why = "nothing says what stands for `<RULES>` (--set rules=VALUE)"
    command = "python evaluate.py --rules <RULES> --answers my_answers.jsonl"
    assert (gap.document["level"], gap.document["reason"]) == ("L2", "own_grader")
    assert f"README.md:6: `{command}`: {why}" in gap.document["found"]
    assert gap.document["hints"] == [f"README.md:6: `{command}`: {why}"]
    assert "--set judge=data" in gap.document["closes"]


def test_a_user_who_insists_gets_the_data_judged_and_the_contract_says_so(tmp_path: Path) -> None:
    derived = contract_for(holed_target(tmp_path / "sums"), choices={"judge": "data"})

    said = [(one.by, one.part) for one in derived.spec.provenance if "--set judge=data" in one.why]
    passed = [one.why for one in derived.spec.provenance if one.why.startswith("not used: README.md:6:")]
    assert derived.spec.stages.evaluate.commands == ()
    assert said == [("user", "stages.evaluate")]
    assert len(passed) == 1


def test_a_usable_grader_gives_way_to_the_data_only_where_the_user_insists(tmp_path: Path) -> None:
    target = judging_target(tmp_path / "sums")

    own, insisted = contract_for(target), contract_for(target, choices={"judge": "data"})

    assert own.spec.stages.evaluate.commands == ("python grade.py my_samples.jsonl",)
    assert insisted.spec.stages.evaluate.commands == ()
    assert [one.why for one in insisted.spec.provenance if "README.md:9" in one.why] == [
        "not used: README.md:9: the data were asked for (--set judge=data)"
    ]


def test_a_value_for_the_hole_makes_the_grader_usable(tmp_path: Path) -> None:
    derived = contract_for(holed_target(tmp_path / "sums"), choices={"rules": "strict"})

    assert derived.spec.stages.evaluate.commands == (
        "python evaluate.py --rules strict --answers my_answers.jsonl",
    )


def _with_split(folder: Path, target: Path) -> Path:
    (target / "data").mkdir(exist_ok=True)
    for part in ("train", "test"):
        (target / "data" / f"{part}.jsonl").write_text(questions())
    (target / "data" / "questions.jsonl").unlink(missing_ok=True)
    return target


def test_a_split_is_asked_about_and_the_target_s_grader_still_judges(tmp_path: Path) -> None:
    target = _with_split(tmp_path, judging_target(tmp_path / "sums"))

    derived: Derived = contract_for(target, split="test")

    assert derived.task is not None
    assert derived.task.files == ("data/test.jsonl",)
    assert derived.spec.stages.evaluate.commands == ("python grade.py my_samples.jsonl",)


def test_a_command_that_would_not_heed_the_split_is_not_run_and_not_replaced(tmp_path: Path) -> None:
    target = _with_split(tmp_path, combined_target(tmp_path / "sums"))

    gap = gap_of(target, split="test")

    assert gap.document["reason"] == "own_grader"
    assert "it does not say how to take the part test alone" in gap.document["found"]


def test_every_command_that_counts_has_a_reason(tmp_path: Path) -> None:
    page = """# Games

## Benchmark

```bash
python benchmark.py --agent agents/random.py
python benchmark.py --agent agents/human.py --envs one
```

```
usage: python benchmark.py [OPTIONS]
```
"""
    gap = gap_of(made(tmp_path / "games", {"README.md": page, "benchmark.py": "print(1)\n"}))

    assert [line.partition(": `")[0] for line in gap.document["hints"]] == ["README.md:6", "README.md:7"]
    assert all(line.endswith("it names no file of answers to be judged") for line in gap.document["hints"])


@pytest.mark.parametrize("name", ["answers.json", "answers.jsonl"])
def test_a_grader_that_wants_answers_by_task_in_one_object_is_not_given_rows(
    name: str, tmp_path: Path
) -> None:
    page = f"""# Sums

## Evaluation

Write your answers like this:
```
{{
    "q1": ["8", "9"],
    ...
}}
```
Then:
```bash
python evaluate.py --answers {name}
```
"""
    target = made(
        tmp_path / "sums", {"README.md": page, "evaluate.py": "", "data/questions.jsonl": questions()}
    )
    if name.endswith(".jsonl"):
        assert contract_for(target).spec.stages.evaluate.commands == (f"python evaluate.py --answers {name}",)
        return

    gap = gap_of(target)

    assert gap.document["reason"] == "own_grader"
    assert (
        'one JSON object of answers by task, {"id": ["answer", ...]} (README.md:7)' in gap.document["found"]
    )


def test_a_long_command_does_not_push_its_reason_out_of_sight(tmp_path: Path) -> None:
    page = HOLED.replace("--answers", f"--note {'x' * 200} --answers")
    target = holed_target(tmp_path / "sums")
    (target / "README.md").write_text(page)

    (line,) = gap_of(target).document["hints"]

    assert line.index("nothing says what stands for") < 100
