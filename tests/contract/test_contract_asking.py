"""Who is asked, and how: chat fields, dead servers, right answers that the user brings, the missing line."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, dump_contract, setup
from honing.contract.asking.dead_server import FAILURES_IN_A_ROW, Watched
from honing.contract.derive import contract_for
from honing.contract.samples.answer_lines import answers_without, line_asked
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.session import EvaluationResult
from honing.contract.spec import ContractSpec
from honing.errors import ModelUnreachableError, UsageError
from honing.llm import (
    Answering,
    CallFailedError,
    ErrorKind,
    ModelReply,
    ModelRequest,
    ScriptedModel,
    ScriptedServer,
    Usage,
)
from honing.store import RunStatus

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)


def with_chat(folder: Path, **chat: str) -> Path:
    spec = contract_for(folder).spec
    spec = spec.model_copy(update={"chat": spec.chat.model_copy(update=chat), "provenance": ()})
    (folder / ".honing").mkdir()
    (folder / ".honing" / "contract.yaml").write_text(dump_contract(spec))
    return folder


def run(target: Path, home: Path, llm: Any, options: RolloutOptions = FULL, **more: Any) -> EvaluationResult:
    models = more.pop("models", {})
    with setup(target, SetupOptions(home=home, **more)) as session:
        session.models = models
        session.rollout(llm, options)
        return session.evaluate()


@pytest.mark.parametrize(("asked", "system"), [("", "Be brief."), ("Be long.", "Be long.")])
def test_the_contracts_chat_stands_around_every_prompt_and_the_users_system_prompt_wins(
    write_data: Write, tmp_path: Path, asked: str, system: str
) -> None:
    target = with_chat(write_data(3), system="Be brief.", template="[Q] {prompt} [/Q]")
    with ScriptedServer(ScriptedModel(lambda _: "#### 1")) as server:
        models = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "none"}
        options = RolloutOptions(mode=Mode.FULL, system=asked)
        result = run(target, tmp_path / "runs", "m", options, models=models)
        turns = [[(m["role"], m["content"]) for m in one.body["messages"]] for one in server.requests]

    assert result.ok  # the controls were asked in the same frame and bracket the score
    assert {first for first, _ in turns} == {("system", system)}
    assert all(text.startswith("[Q] ") and text.endswith(" [/Q]") for _, (_, text) in turns)


def test_chat_is_part_of_what_a_contract_is(write_data: Write) -> None:
    spec = contract_for(write_data(3)).spec
    other = spec.model_copy(update={"chat": spec.chat.model_copy(update={"template": "Q: {prompt}"})})

    assert spec.digest != other.digest


def test_chat_beside_commands_that_would_not_see_it_is_refused() -> None:
    stages = {"rollout": {"commands": ["ask"]}, "evaluate": {"commands": ["grade"]}}
    with pytest.raises(ValueError, match="which would not see it"):
        ContractSpec.model_validate({"schema": 1, "chat": {"system": "x"}, "stages": stages})


class Away:
    """An answerer whose server cannot be reached but for some calls.

    Args:
        reached: Numbers of the calls that get through, from 1.
    """

    def __init__(self, *reached: int) -> None:
        self._reached = reached
        self.calls = 0

    def answer(self, request: ModelRequest) -> ModelReply:
        self.calls += 1
        if self.calls in self._reached:
            return ModelReply(text="#### 1", model=request.model, usage=Usage())
        raise CallFailedError(ErrorKind.UNREACHABLE, "cannot connect to 10.0.0.1:99: refused")


def test_a_dead_server_is_named_after_a_few_calls_and_the_run_can_go_on(
    write_data: Write, tmp_path: Path
) -> None:
    away = Away()
    llm = Watched(Answering(away, name="m"), "http://10.0.0.1:99/v1")
    named = r"10\.0\.0\.1:99/v1 could not be reached 5 times"
    with pytest.raises(ModelUnreachableError, match=named) as raised:
        run(write_data(12), tmp_path / "runs", llm, max_connections=1)

    status = json.loads((Path(raised.value.run_folder) / "run.json").read_text())["status"]
    assert (away.calls, status) == (FAILURES_IN_A_ROW, RunStatus.FAILED)


def test_a_server_that_answers_now_and_then_is_not_dead(write_data: Write, tmp_path: Path) -> None:
    away = Away(4, 8, 12)
    llm = Watched(Answering(away, name="m"), "http://10.0.0.1:99/v1")
    result = run(write_data(14), tmp_path / "runs", llm, max_connections=1)

    assert away.calls == 14
    assert (result.score, result.metrics["outcomes"]["infra_error"]) == (None, 11)


@pytest.mark.slow
def test_an_address_at_which_nobody_listens_is_found_out(write_data: Write, tmp_path: Path) -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody else can take the port meanwhile.
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        models = {"OPENAI_BASE_URL": address, "OPENAI_API_KEY": "none"}
        with pytest.raises(ModelUnreachableError, match=address):
            run(write_data(40), tmp_path / "runs", "m", models=models)


def knows_sums(prompt: str) -> str:
    """Right answers to the sums of `write_data`, computed and not looked up."""
    number = int(prompt.split("Ann has ")[1].split()[0])
    return f"#### {2 * number + 1}"


def test_a_callable_of_the_users_plays_the_perfect_model(write_data: Write, tmp_path: Path) -> None:
    result = run(write_data(), tmp_path / "runs", "scripted/perfect", oracle=knows_sums)

    found = result.metrics["calibration"]
    assert (result.ok, result.score, result.metrics["level"]) == (True, 1.0, "L5")
    assert (found["oracle"], found["null"], found["oracle_source"]) == (1.0, 0.0, "policy")


def test_a_callable_that_is_wrong_calibrates_nothing(write_data: Write, tmp_path: Path) -> None:
    result = run(write_data(), tmp_path / "runs", "scripted/empty", oracle=lambda _: "#### 3")

    assert (result.ok, result.score) == (False, None)
    assert "oracle: scored" in result.reason


def test_a_file_of_the_users_takes_the_place_of_the_targets_gold(write_data: Write, tmp_path: Path) -> None:
    target = write_data(12)
    rows = [json.loads(line) for line in (target / "test.jsonl").read_text().splitlines()]
    mine = [{"match": row["question"], "completion": "The answer is #### 0"} for row in rows]
    oracle = tmp_path / "mine.jsonl"
    oracle.write_text("".join(json.dumps(row) + "\n" for row in mine))
    result = run(target, tmp_path / "runs", "scripted/empty", oracle=oracle)

    assert (result.metrics["calibration"]["oracle"], result.ok) == (0.0, False)


def test_a_file_of_right_answers_that_cannot_be_read_is_a_misuse(write_data: Write, tmp_path: Path) -> None:
    oracle = tmp_path / "mine.jsonl"
    oracle.write_text('{"match": "x"}\n')
    with pytest.raises(UsageError, match="--oracle"):
        run(write_data(4), tmp_path / "runs", "scripted/empty", oracle=oracle)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{input}\n\nEnd with a line of the form\nAnswer: <a few words>", "Answer:"),
        ("{input}\n\nthen end with a line of the form\n#### <number>", "####"),
        ("{input}", ""),
    ],
)
def test_the_line_that_a_prompt_asks_for_is_read_from_it(template: str, line: str) -> None:
    assert line_asked(template) == line


def test_answers_without_the_line_are_counted(write_data: Write, tmp_path: Path) -> None:
    texts = ["Answer: B", "**Answer:** B", "so\n answer: b", "B", "The answer is B", "Answer:"]
    samples = [Sample(id=t, prompt="p", completion=t, status=SampleStatus.COMPLETED) for t in texts]
    result = run(write_data(12), tmp_path / "runs", "scripted/empty")

    assert answers_without(samples, "Answer:") == 3
    assert result.metrics["counts"]["without_answer_line"] == 12
