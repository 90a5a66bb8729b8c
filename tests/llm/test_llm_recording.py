"""The checksummed file of recorded answers, and what is given out of it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from honing.errors import EvidenceError, StoreError
from honing.llm.base import Finish, Message, ModelReply, ModelRequest, Role, Sampling, ToolCall, Usage
from honing.llm.canonical import request_key
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.linelog import LineLog, read_lines
from honing.llm.recording import Recorded, RecordingFile, RecordingReader


def ask(text: str, **fields: object) -> ModelRequest:
    return ModelRequest(model="m", messages=[Message(Role.USER, text)], **fields)  # type: ignore[arg-type]


def record(path: Path, *answers: tuple[ModelRequest, str, str]) -> None:
    file = RecordingFile(path)
    for request, tag, text in answers:
        file.add(request, tag, Recorded(reply=ModelReply(text=text)))
    file.close()


def test_a_recorded_answer_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    answer = Recorded(
        reply=ModelReply(
            text="größe \x00 \u2028",
            finish=Finish.TOOL_CALLS,
            tool_calls=[ToolCall("id", "f", "{not json")],
            usage=Usage(input_tokens=3, output_tokens=0),
            model="exact",
            logprobs=[{"token": "a", "logprob": -0.1, "top": {"a": -0.1}}],
            requested={"temperature": 0.0},
        ),
        wire="openai_chat",
        streamed=True,
        raw="data: {}\n\n",
    )
    file = RecordingFile(path)
    file.add(ask("q"), "tag", answer)
    file.close()

    assert RecordingReader(path).take(ask("q"), "tag") == answer


def test_repeats_of_one_request_get_their_answers_in_order_and_then_no_more(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, (ask("q"), "", "one"), (ask("other"), "", "x"), (ask("q"), "", "two"))
    reader = RecordingReader(path)

    assert [reader.take(ask("q"), "").reply.text for _ in range(2)] == ["one", "two"]
    with pytest.raises(CallFailedError, match="beyond the 2 that were given out already") as caught:
        reader.take(ask("q"), "")
    assert caught.value.kind is ErrorKind.REPLAY_MISS


def test_a_tagged_request_gets_the_answer_of_its_tag_whatever_the_order(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, *[(ask("q"), f"sample-{n}", f"answer-{n}") for n in range(8)])
    tags = [f"sample-{n}" for n in range(8)]
    random.Random(2).shuffle(tags)
    reader = RecordingReader(path)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda tag: reader.take(ask("q"), tag).reply.text, tags))

    assert found == [tag.replace("sample", "answer") for tag in tags]


def test_a_set_of_requests_gets_the_same_answers_at_any_concurrency(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    questions = [ask(f"q{n % 5}") for n in range(50)]
    record(path, *[(q, "", f"{q.messages[0].text}-{n}") for n, q in enumerate(questions)])

    def run(workers: int) -> Counter[tuple[str, str]]:
        reader = RecordingReader(path)
        with ThreadPoolExecutor(workers) as pool:
            texts = pool.map(lambda q: (q.messages[0].text, reader.take(q, "").reply.text), questions)
            return Counter(texts)

    assert run(1) == run(8)


BASE = ModelRequest(
    model="m",
    messages=[Message(Role.SYSTEM, "s"), Message(Role.USER, "q")],
    sampling=Sampling(temperature=0.5),
    tools=[{"name": "f", "description": "", "parameters": {}}],
)


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, model="n"),
        replace(BASE, sampling=Sampling(temperature=0.6)),
        replace(BASE, sampling=Sampling(temperature=0.5, seed=1)),
        replace(BASE, messages=BASE.messages[1:]),
        replace(BASE, messages=[Message(Role.SYSTEM, "s"), Message(Role.USER, "q ")]),
        replace(BASE, messages=[Message(Role.USER, "s"), Message(Role.USER, "q")]),
        replace(BASE, messages=[*BASE.messages, Message(Role.USER, "", parts=[{"image": "x"}])]),
        replace(BASE, tools=()),
        replace(BASE, tool_choice="required"),
        replace(BASE, response_format={"type": "json_object"}),
        replace(BASE, uncarried=["frequency_penalty"]),
    ],
)
def test_whatever_can_change_the_answer_is_part_of_the_key(other: ModelRequest) -> None:
    assert request_key(other) != request_key(BASE)


def test_streaming_and_random_call_ids_are_no_part_of_the_key() -> None:
    def talk(call_id: str) -> ModelRequest:
        asked = Message(Role.ASSISTANT, "", tool_calls=[ToolCall(call_id, "f", "{}")])
        return replace(BASE, messages=[*BASE.messages, asked, Message(Role.TOOL, "ok", tool_call_id=call_id)])

    assert request_key(replace(BASE, stream=True)) == request_key(BASE)
    assert request_key(talk("call_x8f")) == request_key(talk("call_77a"))


def test_a_miss_names_the_nearest_recorded_request_and_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    warm = ask("what is the capital of France?", sampling=Sampling(temperature=1.0))
    record(path, (ask("how are you?"), "", "x"), (warm, "", "Paris"))

    question = "what is the capital of France?"
    with pytest.raises(CallFailedError) as caught:
        RecordingReader(path).take(ask(question), "")

    assert caught.value.kind is ErrorKind.REPLAY_MISS
    assert str(caught.value) == (
        f"r.jsonl holds no answer for this call (key {request_key(ask(question))[:12]}). Nearest is line 2, "
        f"which differs in sampling and asks {question!r} where this call asks {question!r}. "
        "Repeat the run with the same settings, or record again."
    )


def test_a_miss_in_an_empty_recording_says_so(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path)

    with pytest.raises(CallFailedError, match=r"it is empty\. Record the run first"):
        RecordingReader(path).take(ask("q"), "")


def test_a_recording_is_continued_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, (ask("q"), "", "one"))
    record(path, (ask("q"), "", "two"))

    assert [line["occurrence"] for line in read_lines(path)] == [0, 1]
    assert len(RecordingReader(path)) == 2


def test_a_torn_last_line_is_left_out_and_cut_off_when_the_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, (ask("q"), "", "one"), (ask("q"), "", "two"))
    path.write_bytes(path.read_bytes()[:-10])

    assert len(RecordingReader(path)) == 1
    record(path, (ask("q"), "", "again"))
    reader = RecordingReader(path)
    assert [reader.take(ask("q"), "").reply.text for _ in range(2)] == ["one", "again"]


def test_a_changed_line_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, (ask("q"), "", "one"), (ask("q"), "", "wrong"), (ask("q"), "", "three"))
    path.write_text(path.read_text().replace('"wrong"', '"right"'))

    with pytest.raises(EvidenceError, match=r"r\.jsonl, line 2: the checksum does not match"):
        RecordingReader(path)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    missing, foreign = tmp_path / "missing.jsonl", tmp_path / "foreign.jsonl"
    log = LineLog(foreign)
    log.append({"schema": 99})
    log.close()

    with pytest.raises(StoreError, match=r"reading the log: .*No such file"):
        RecordingReader(missing)
    with pytest.raises(StoreError, match="schema 99 cannot be read, expected 1"):
        RecordingReader(foreign)


APPENDING = (
    "import sys\n"
    "from pathlib import Path\n"
    "from honing.llm.linelog import LineLog\n"
    "log = LineLog(Path(sys.argv[1]))\n"
    "for n in range(10**9):\n"
    "    log.append({'n': n, 'text': 'x' * 5000})\n"
)


def test_a_log_whose_writer_was_killed_reads_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with subprocess.Popen([sys.executable, "-c", APPENDING, str(path)]) as writer:
        while not path.exists() or path.stat().st_size < 500_000:
            assert writer.poll() is None
            time.sleep(0.005)
        writer.kill()

    numbers = [line["n"] for line in read_lines(path)]

    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 90


def test_a_full_disk_is_an_error_and_leaves_the_log_whole(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from honing.errors import StoreError\n"
        "from honing.llm.linelog import LineLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "log = LineLog(Path(sys.argv[1]))\n"
        "try:\n"
        "    while True:\n"
        "        log.append({'text': 'x' * 900})\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    path = tmp_path / "log.jsonl"
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )

    assert "appending a record: " in found.stdout
    assert [json.dumps(line) for line in read_lines(path)] == [json.dumps({"text": "x" * 900})] * 3
