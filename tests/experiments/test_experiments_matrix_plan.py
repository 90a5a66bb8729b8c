"""A matrix's file, its cells and its trials."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from matrix_scenes import small

from honing.errors import UsageError
from honing.experiments import load_matrix, matrix_schema
from honing.experiments.matrix.plan import cells_of, starting_order, trials_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "matrices"


def test_the_first_axis_is_the_outermost() -> None:
    cells = cells_of(small(**{"measure.targets": ["sums", "words"]}))

    assert [(cell.number, tuple(cell.values.values())) for cell in cells] == [
        (1, ("sums", "one", "smoke")),
        (2, ("sums", "two", "smoke")),
        (3, ("words", "one", "smoke")),
        (4, ("words", "two", "smoke")),
    ]


def test_the_first_trial_of_every_cell_starts_before_the_second_of_any() -> None:
    spec = small(**{"measure.targets": ["sums", "words"]})

    found = [(trial.cell.number, trial.number) for trial in starting_order(trials_of(spec, cells_of(spec)))]

    assert found == [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (4, 2)]


def test_trials_of_all_cells_share_their_seeds() -> None:
    spec = small()

    seeds = {trial.seed for trial in trials_of(spec, cells_of(spec)) if trial.number == 2}

    assert seeds == {6}


def test_an_axis_that_is_not_given_is_left_to_each_project() -> None:
    spec = load_matrix(None, {"harness.projects": ["a/b", "c"], "harness.budgets": [1, 3]})

    assert [cell.name for cell in cells_of(spec)] == ["001-b-1", "002-b-3", "003-c-1", "004-c-3"]
    assert cells_of(spec)[0].values == {"project": "a/b", "agent": "", "model": "", "budget": 1}


def test_names_of_cells_are_fit_for_folders_whatever_the_axes_hold() -> None:
    spec = load_matrix(
        None,
        {"measure.targets": ["https://x.org/a b?c=1", "../../d"], "measure.models": ["v/m:1" + "x" * 90]},
    )

    names = [cell.name for cell in cells_of(spec)]

    assert names == [f"001-{('a-b-c-1-m-1' + 'x' * 90)[:48]}", f"002-{('d-m-1' + 'x' * 90)[:48]}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "trials: 2\nmeasure:\n  targets: [a]\n  model: [m]\n",
            "m.yaml:4: unknown key 'measure.model'; did you mean 'models'?",
        ),
        ("trials: 0\nharness:\n  projects: [a]\n", "m.yaml:1: trials: input should be greater than"),
        ("trials: 2\n", "a matrix has either `harness` axes or `measure` axes"),
        ("measure: {targets: [a, a], models: [m]}\n", "the axis `target` names a value twice"),
        ("harness: {projects: [a], control: nothing}\n", "m.yaml:1: harness.control: input should be"),
        (
            "measure: {targets: [a], models: [m], modes: [smoke, full], limit: 9}\n",
            "`limit` says how many rows are asked, whatever the mode",
        ),
        ("- a\n", "m.yaml:1: a matrix is a mapping, got list."),
    ],
    ids=[
        "unknown key",
        "no trial",
        "no axes",
        "one value twice",
        "no such arm",
        "a limit with two modes",
        "a list",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(text)

    with pytest.raises(UsageError) as refused:
        load_matrix(file)

    assert problem in str(refused.value)


def test_choices_are_laid_over_the_file() -> None:
    spec = load_matrix(EXAMPLES / "harness.yaml", {"harness.agents": ["nop"], "trials": 5})

    assert spec.harness is not None
    assert (spec.harness.agents, spec.harness.budgets, spec.trials) == (("nop",), (1, 2), 5)


def test_the_schema_says_what_each_key_means() -> None:
    found = matrix_schema()["$defs"]["MeasureAxes"]["properties"]["limit"]

    assert found["description"] == "Ask a seeded sample of this many rows, whatever the mode."


def test_what_the_page_of_matrices_tells_a_reader_to_type_works() -> None:
    page = (EXAMPLES.parents[1] / "docs" / "matrix.md").read_text()
    (file,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    spec = load_matrix(None, yaml.safe_load(file))
    assert (spec.name, spec.trials, spec.budget.tokens) == ("two models on two data sets", 3, 2_000_000)
    exec(compile(code, "docs/matrix.md", "exec"), {})
