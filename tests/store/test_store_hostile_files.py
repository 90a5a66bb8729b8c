"""What stands where a run's files should: links, pipes, devices, damage; and cells that would act."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.errors import StoreError
from honing.store import Report, Run, cell_text, list_runs, tsv_bytes
from hostile_runs import ACTS, FORMULAS, HOSTILE, acting

SECRET = '{"password": "hunter2"}'


def pipe(place: Path) -> None:
    os.mkfifo(place)


def link_to_a_secret(place: Path) -> None:
    secret = place.parents[2] / "secret"
    secret.write_text(SECRET)
    place.symlink_to(secret)


def link_without_end(place: Path) -> None:
    place.symlink_to("/dev/zero")


def link_to_nothing(place: Path) -> None:
    place.symlink_to("/does/not/exist")


def too_large(place: Path) -> None:
    with place.open("wb") as stream:
        stream.truncate(600_000_000)


INSTEAD: list[tuple[Callable[[Path], None], str]] = [
    (pipe, "a pipe or a device, expected a plain file. Remove it."),
    (link_to_a_secret, "a symbolic link, expected a plain file. Remove the link."),
    (link_without_end, "a symbolic link, expected a plain file. Remove the link."),
    (link_to_nothing, "a symbolic link, expected a plain file. Remove the link."),
    (too_large, "600,000,000 bytes, expected at most"),
]
NAMES = ["a pipe", "a link to a secret", "a link without end", "a link to nothing", "a sparse giant"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "runs", kind="measure", config={}, command=(), seed=0, name="x")
    Report(title="t").write(made.artifact("report.json"))
    return made


@pytest.mark.parametrize(("put", "said"), INSTEAD, ids=NAMES)
def test_what_stands_for_run_json_is_a_damaged_run_in_the_list(
    run: Run, put: Callable[[Path], None], said: str
) -> None:
    (run.path / "run.json").unlink()
    put(run.path / "run.json")
    (run.path / "evidence.jsonl").touch()

    (entry,) = list_runs(run.path.parent)

    assert entry.damage.startswith(f"{run.path / 'run.json'}: {said}")


@pytest.mark.parametrize(("put", "said"), INSTEAD, ids=NAMES)
def test_what_stands_for_report_json_is_refused_and_its_content_is_not_told(
    run: Run, put: Callable[[Path], None], said: str
) -> None:
    (run.path / "report.json").unlink()
    put(run.path / "report.json")

    with pytest.raises(StoreError) as caught:
        Report.read(run.path / "report.json")

    assert str(caught.value).startswith(f"{run.path / 'report.json'}: {said}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "expected JSON, but maximum recursion depth exceeded"),
        ('{"schema": 1, "title": "t", "title": "u"}', "the key 'title' occurs twice"),
        ('{"schema": 1, "title": "t", "sections": ' + "[" * 300 + "]" * 300 + "}", "expected an object"),
        (
            '{"schema": 1, "title": "t", "sections": [{"title": "s", "blocks": '
            f'[{{"is": "bars", "title": "b", "bars": [{{"label": "l", "value": {"9" * 400}}}]}}]}}]}}',
            "expected a finite number, found 999",
        ),
        ('{"schema": 1' + "0" * 5000 + "}", "expected JSON, but Exceeds the limit"),
    ],
    ids=["a million levels", "a key twice", "lists in lists", "a number of 400 digits", "of 5,000 digits"],
)
def test_a_damaged_report_is_an_error_that_names_the_place(run: Run, content: str, said: str) -> None:
    (run.path / "report.json").write_text(content)

    with pytest.raises(StoreError) as caught:
        Report.read(run.path / "report.json")

    assert said in str(caught.value)
    assert len(str(caught.value)) < 600


def test_no_cell_is_a_formula_and_none_acts_on_a_terminal() -> None:
    texts = (*HOSTILE, *FORMULAS)

    lines = tsv_bytes(["text"], [{"text": text} for text in texts]).decode().splitlines()

    assert len(lines) == 1 + len(texts)
    assert [line for line in lines if line.lstrip()[:1] in tuple("=+-@\uff1d")] == []
    assert [line for line in lines if set(acting(line)) - {"\u200d"}] == []
    assert len(ACTS) == 11


@given(st.text(st.sampled_from("=+-@' 1a\uff1d"), max_size=8))
def test_the_text_of_a_cell_is_read_back_as_it_was(text: str) -> None:
    cell = tsv_bytes(["text"], [{"text": text}]).decode().splitlines()[1:]

    assert [cell_text(each) for each in cell or [""]] == [text]
