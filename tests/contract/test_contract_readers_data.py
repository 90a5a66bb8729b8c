"""Contracts about data in other forms: the hub's eval.yaml, and task files of a harness."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_targets import choices, jsonl, sums, write

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.readers import Foreign, ForeignGap, read_foreign
from honing.errors import ContractError

EVAL = """
name: Sums
evaluation_framework: inspect-ai
tasks:
  - id: sums
    config: default
    split: test
    epochs: 4
    field_spec:
      input: ask
      target: told
    solvers:
      - name: system_message
        args: {template: Be brief.}
      - name: prompt_template
        args: {template: "Think about it: {prompt}"}
      - name: generate
    scorers:
      - name: match
        args: {numeric: true}
"""

TASK = """
task: sums
dataset_path: someone/sums
test_split: test
output_type: generate_until
doc_to_text: "Question: {{ask}}\\nAnswer:"
doc_to_target: "{{told.split('####')[-1].strip()}}"
num_fewshot: 5
generation_kwargs: {until: ["Question:"], do_sample: false}
metric_list:
  - metric: exact_match
    aggregation: mean
filter_list:
  - name: strict
    filter:
      - function: regex
        regex_pattern: "#### (.*)"
      - function: take_first
"""

CHOICE = """
task: follow
dataset_path: json
dataset_kwargs: {data_files: {test: rows/follow.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: |-
  {{ask.strip()}}
  A. {{offers[0]}}
  B. {{offers[1]}}
  C. {{offers[2]}}
  D. {{offers[3]}}
  Answer:
doc_to_target: mark
doc_to_choice: ["A", "B", "C", "D"]
metric_list: [{metric: acc}, {metric: acc_norm}]
"""

ENDING = "\n\nReason step by step, then end with a line of the form\n#### <number>"


def read(folder: Path) -> Foreign:
    found = read_foreign(folder)
    assert isinstance(found, Foreign)
    return found


def gap(folder: Path, **wanted: str) -> ForeignGap:
    found = read_foreign(folder, **wanted)
    assert isinstance(found, ForeignGap)
    return found


def hub(tmp_path: Path, text: str = EVAL) -> Path:
    return write(
        tmp_path / "target", {"eval.yaml": text, "test.jsonl": jsonl(sums()), "train.jsonl": jsonl(sums())}
    )


def harness(tmp_path: Path, text: str = TASK) -> Path:
    return write(tmp_path / "target", {"tasks/sums.yaml": text, "test.jsonl": jsonl(sums())})


def measured(folder: Path, home: Path) -> tuple[float | None, str]:
    with setup(folder, SetupOptions(home=home)) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL))
        result = session.evaluate()
        return result.score, result.metrics["level"]


def test_the_hubs_contract_names_columns_prompt_and_scorer(tmp_path: Path) -> None:
    found = read(hub(tmp_path))

    assert found.task is not None
    assert (found.task.files, found.task.split) == (("test.jsonl",), "test")
    assert (dict(found.task.fields), found.task.scorer) == ({"input": "ask", "target": "told"}, "numeric")
    assert found.task.template == "Think about it: {input}" + ENDING
    assert (found.spec.name, found.spec.chat.system) == ("Sums", "Be brief.")
    assert found.task.rows()[2].golds == ("9",)


def test_its_parts_and_what_was_left_out_have_their_lines(tmp_path: Path) -> None:
    found = read(hub(tmp_path))
    anchors = {(one.part, one.anchor) for one in found.spec.provenance}

    assert {
        ("task.field_spec", "eval.yaml:8"),
        ("task.split", "eval.yaml:6"),
        ("task.scorer", "eval.yaml:17"),
        ("task.input", "eval.yaml:9"),
        ("task.target", "eval.yaml:10"),
    } <= anchors
    assert [note.anchor for note in found.notes] == ["eval.yaml:17", "eval.yaml:7"]
    assert found.notes[1].text == "give --epochs 4 to ask as often"


def test_the_hubs_contract_is_measured(tmp_path: Path) -> None:
    assert measured(hub(tmp_path), tmp_path / "runs") == (1.0, "L5")


def test_choices_may_be_a_list_or_columns(tmp_path: Path) -> None:
    text = EVAL.replace("target: told", "target: mark\n      choices: offers").replace(
        "name: match", "name: choice"
    )
    folder = write(tmp_path / "a", {"eval.yaml": text, "test.jsonl": jsonl(choices())})
    rows = [{**row, **{f"way{n}": offer for n, offer in enumerate(row["offers"])}} for row in choices()]
    apart = text.replace("choices: offers", "choices: [way0, way1, way2, way3]")
    other = write(tmp_path / "b", {"eval.yaml": apart, "test.jsonl": jsonl(rows)})
    found, columns = read(folder), read(other)

    assert found.task is not None
    assert columns.task is not None
    assert [row.golds for row in found.task.rows()] == [row.golds for row in columns.task.rows()]
    assert (found.task.scorer, found.task.chance) == ("choice", 0.25)
    assert columns.task.fields["choices"] == ("way0", "way1", "way2", "way3")
    assert "{choices}" in found.task.template


@pytest.mark.parametrize(
    ("before", "after", "anchor", "says"),
    [
        ("name: match", "name: model_graded_fact", "eval.yaml:17", "another model judges"),
        ("name: match", "name: includes", "eval.yaml:17", "naming every answer is right"),
        ("name: match", "name: choice", "eval.yaml:17", "it judges choice, and the golds are for 'numeric'"),
        ("name: generate", "name: self_critique", "eval.yaml:16", "more than one question"),
        ("target: told", "target: 'literal:7'", "eval.yaml:10", "the same right answer"),
        ("input: ask", "input: asked", "eval.yaml:8", "the data have no column 'asked' (columns: ask, told)"),
        ("split: test", "split: validation", "eval.yaml:4", "0 tables of configuration 'default'"),
        ("{prompt}", "{prompt} {metadata}", "eval.yaml:15", "more than prompt and choices"),
        ("{prompt}", "nothing", "eval.yaml:15", "leaves out {prompt}"),
        ("target: told", "target: told\n      input_image: pic", "eval.yaml:11", "prompts show an image"),
    ],
    ids=[
        "a model that judges",
        "a scorer that takes any mention",
        "a scorer for other golds",
        "a solver of several turns",
        "a constant answer",
        "a column that is not there",
        "a split that is not there",
        "a template of further fields",
        "a template without the question",
        "images",
    ],
)
def test_what_the_hubs_contract_cannot_carry_is_a_gap(
    tmp_path: Path, before: str, after: str, anchor: str, says: str
) -> None:
    assert before in EVAL
    found = gap(hub(tmp_path, EVAL.replace(before, after)))

    assert found.anchor == anchor
    assert says in found.text
    assert found.closes


def test_one_of_several_tasks_is_chosen_by_its_name(tmp_path: Path) -> None:
    second = (
        EVAL[EVAL.index("  - id") :].replace("id: sums", "id: more").replace("split: test", "split: train")
    )
    folder = hub(tmp_path, EVAL + second.lstrip("\n"))
    chosen = read_foreign(folder, config="more")

    assert gap(folder).candidates == ("sums", "more")
    assert isinstance(chosen, Foreign)
    assert chosen.task is not None
    assert chosen.task.files == ("train.jsonl",)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("split: test", "splt: test", r"eval.yaml:6: unknown key 'tasks.0.splt'; did you mean 'split'"),
        ("name: Sums", "title: Sums", r"eval.yaml:1: unknown key 'title'"),
        ("input: ask", "input: [ask]", r"eval.yaml:9: tasks.0.field_spec.input must be a text"),
    ],
    ids=["of a task", "of the file", "of the wrong kind"],
)
def test_a_faulty_key_names_its_line(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        read_foreign(hub(tmp_path, EVAL.replace(before, after)))


def test_a_file_of_that_name_with_other_content_is_left_alone(tmp_path: Path) -> None:
    assert read_foreign(write(tmp_path, {"eval.yaml": "model: x\nbatch: 3\n"})) is None


def test_a_task_file_names_columns_and_prompt(tmp_path: Path) -> None:
    found = read(harness(tmp_path))

    assert found.task is not None
    assert found.task.template == "Question: {input}\nAnswer:" + ENDING
    assert (dict(found.task.reading), found.task.scorer) == (
        {"form": "after_marker", "marker": "####"},
        "numeric",
    )
    assert [(note.anchor, note.text.split(",")[0]) for note in found.notes] == [
        ("tasks/sums.yaml:15", "Honing's scorer finds answers in any usual form"),
        ("tasks/sums.yaml:2", "the tables that lie in the target are taken for someone/sums"),
        ("tasks/sums.yaml:7", "asked without its 5 worked examples"),
        ("tasks/sums.yaml:8", "sampling is the user's to choose (--temperature"),
    ]


def test_a_task_file_with_choices_lists_them_and_asks_for_a_letter(tmp_path: Path) -> None:
    folder = write(tmp_path / "target", {"follow.yaml": CHOICE, "rows/follow.jsonl": jsonl(choices())})
    found = read(folder)

    assert found.task is not None
    assert found.task.template.startswith("{input}\n{choices}\nAnswer:\n\nEnd with a line")
    assert (found.task.files, found.task.chance) == (("rows/follow.jsonl",), 0.25)
    assert found.task.rows()[1].golds == ("B",)
    assert measured(folder, tmp_path / "runs") == (1.0, "L5")


@pytest.mark.parametrize(
    ("before", "after", "anchor", "says"),
    [
        ("generate_until", "loglikelihood", 4, "compares likelihoods"),
        ("metric: exact_match", "metric: bleu", 9, "the metric bleu has no counterpart"),
        (
            "metric: exact_match",
            "metric: !function utils.mine",
            9,
            "the metric utils.mine has no counterpart",
        ),
        ("function: take_first", "function: majority_vote", 17, "the filter 'majority_vote'"),
        ("num_fewshot: 5", "process_docs: !function utils.clean", 7, "process_docs is computed"),
        ("num_fewshot: 5", "include: base.yaml", 7, "include changes what is asked or judged"),
        ("{{ask}}", "{% if ask %}{{ask}}{% endif %}", 5, "doc_to_text computes something"),
        ("{{ask}}", "{{ask | upper}}", 5, "doc_to_text computes something ('ask | upper')"),
        ("{{told.split('####')[-1].strip()}}", "{{told[2:]}}", 6, "doc_to_target computes something"),
        ("test_split: test", "test_split: validation", 2, "the data of 'someone/sums' are not in the target"),
        ("Question: ", "Question: {{a}} {{b}}", 5, "the prompt shows 3 columns"),
    ],
    ids=[
        "likelihoods",
        "another metric",
        "a metric of its own",
        "a vote",
        "documents that are computed",
        "another file",
        "a condition",
        "a filter in the template",
        "an answer that is computed",
        "data on the hub",
        "three columns",
    ],
)
def test_what_a_task_file_cannot_carry_is_a_gap(
    tmp_path: Path, before: str, after: str, anchor: int, says: str
) -> None:
    assert before in TASK
    found = gap(harness(tmp_path, TASK.replace(before, after)))

    assert found.anchor == f"tasks/sums.yaml:{anchor}"
    assert says in found.text
    assert found.closes


@pytest.mark.parametrize(
    ("before", "after", "anchor", "says"),
    [
        ("doc_to_text", "doc_to_txt", 5, "unknown key 'doc_to_txt'; did you mean 'doc_to_text'?"),
        ("num_fewshot: 5", "test_split: test", 7, "not YAML: the key 'test_split' stands twice"),
        ("doc_to_target: ", "doc_to_target: 2 #", 6, "doc_to_target must be a text, got 2"),
        (TASK[TASK.index("metric_list") :], "metric_list: 7", 9, "metric_list must be a list, got 7"),
        (TASK[TASK.index("filter_list") :], "filter_list: 7", 12, "filter_list must be a list, got 7"),
    ],
    ids=["a misspelt key", "a key twice", "a constant answer", "a number of metrics", "a number of filters"],
)
def test_a_task_file_that_we_cannot_read_is_a_gap_with_its_line(
    tmp_path: Path, before: str, after: str, anchor: int, says: str
) -> None:
    found = gap(harness(tmp_path, TASK.replace(before, after)))

    assert (found.anchor, found.text) == (f"tasks/sums.yaml:{anchor}", says)


def test_several_task_files_are_a_choice(tmp_path: Path) -> None:
    folder = harness(tmp_path)
    write(folder, {"tasks/more.yaml": TASK.replace("task: sums", "task: more")})

    assert gap(folder).candidates == ("more", "sums")
    assert isinstance(read_foreign(folder, config="more"), Foreign)
