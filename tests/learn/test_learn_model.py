"""What a local model answers: by whose sampling, in which batch, with which figures."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from honing.errors import ModelRequestError, UsageError
from honing.learn.folder import folder_digest, is_model_folder
from honing.learn.serving.generation import first_stop
from honing.learn.serving.local_model import LocalModel, LocalOptions
from honing.llm import Finish, Message, ModelReply, ModelRequest, Role, Sampling, Usage

pytestmark = pytest.mark.teach


def ask(model: LocalModel, text: str, **sampling: object) -> ModelReply:
    turns = [Message(Role.USER, text)]
    return model.answer(ModelRequest(model="tiny", messages=turns, sampling=Sampling(**sampling)))


def test_it_says_what_it_was_taught_and_counts_its_tokens(model: LocalModel, answers: dict[str, str]) -> None:
    question = "Which number belongs to name5 ?"

    reply = ask(model, question)

    # <user>, six words, <end>, <assistant>; then two words and the end of the text.
    assert (reply.text, reply.finish, reply.usage) == (
        answers[question],
        Finish.STOP,
        Usage(input_tokens=9, output_tokens=3),
    )


def test_requests_that_come_together_are_answered_in_one_batch_each_as_if_alone(
    model: LocalModel, answers: dict[str, str]
) -> None:
    with ThreadPoolExecutor(12) as pool:
        said = dict(zip(answers, pool.map(lambda text: ask(model, text).text, answers), strict=True))

    assert said == answers
    assert model.largest_batch > 1


def test_a_short_prompt_beside_a_long_one_is_continued_as_if_alone(model: LocalModel) -> None:
    prompts = ["name5", "Which number belongs to name9 ?", " ".join(["name1 belongs to"] * 12)]

    def heard(text: str) -> list[float]:
        found = ask(model, text, logprobs=0, max_tokens=3).logprobs
        assert found is not None
        return [one["logprob"] for one in found]

    alone = [heard(text) for text in prompts]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(heard, prompts))

    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_rows_of_one_batch_keep_their_own_limits(model: LocalModel, answers: dict[str, str]) -> None:
    questions = list(answers)[:3]
    with ThreadPoolExecutor(3) as pool:
        short = pool.submit(ask, model, questions[0], max_tokens=1)
        stopped = pool.submit(ask, model, questions[1], stop=["10"])
        whole = pool.submit(ask, model, questions[2])
        replies = [short.result(), stopped.result(), whole.result()]

    assert [(one.text, one.finish) for one in replies] == [
        ("####", Finish.LENGTH),
        ("#### ", Finish.STOP),
        (answers[questions[2]], Finish.STOP),
    ]


def test_a_seed_repeats_a_draw_and_another_seed_draws_otherwise(model: LocalModel) -> None:
    def draw(seed: int) -> str:
        return ask(model, "name5 belongs", temperature=3.0, seed=seed, max_tokens=12).text

    assert draw(1) == draw(1)
    assert len({draw(seed) for seed in range(6)}) > 1


def test_top_p_near_nothing_leaves_the_likeliest(model: LocalModel, answers: dict[str, str]) -> None:
    question = "Which number belongs to name7 ?"

    assert ask(model, question, temperature=5.0, top_p=1e-6, seed=3).text == answers[question]


def test_log_probabilities_are_those_of_the_model(model: LocalModel, tiny: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    question = "Which number belongs to name2 ?"
    reply = ask(model, question, logprobs=2)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    alone = AutoModelForCausalLM.from_pretrained(tiny)
    prompt = f"<user> {question} <end> <assistant>"
    ids = tokenizer(f"{prompt} {reply.text}", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        known = torch.log_softmax(alone(ids).logits[0].float(), -1)
    expected = [float(known[8, ids[0, 9]]), float(known[9, ids[0, 10]])]

    assert reply.logprobs is not None
    assert [one["token"] for one in reply.logprobs] == ["####", "17", "<eos>"]
    assert [one["logprob"] for one in reply.logprobs[:2]] == pytest.approx(expected, abs=1e-4)
    assert all(len(one["top"]) == 2 for one in reply.logprobs)
    assert all(math.exp(one["logprob"]) > 0.9 for one in reply.logprobs)


def test_without_a_template_the_text_itself_is_continued_and_that_is_said(
    bare: Path, model: LocalModel, answers: dict[str, str]
) -> None:
    plain = LocalModel(bare, LocalOptions(device="cpu"))
    said = [ask(plain, question) for question in list(answers)[:4]]
    about = plain.about()
    plain.close()

    assert [reply.text for reply in said] == list(answers.values())[:4]
    assert said[0].usage.input_tokens == 6
    assert (about["prompting"], model.about()["prompting"]) == ("plain", "chat_template")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (ModelRequest(model="m", messages=[Message(Role.USER, "x " * 64)]), "the prompt has 67 tokens"),
        (ModelRequest(model="m", messages=[Message(Role.USER, "x")], tools=[{"name": "t"}]), "no tools"),
        (
            ModelRequest(
                model="m", messages=[Message(Role.USER, "x")], response_format={"type": "json_object"}
            ),
            "no response_format",
        ),
    ],
    ids=["longer than its context", "tools", "a response format"],
)
def test_what_it_cannot_do_is_refused(model: LocalModel, request_: ModelRequest, said: str) -> None:
    with pytest.raises(ModelRequestError, match=said):
        model.answer(request_)


def test_a_reply_ends_where_the_context_does(model: LocalModel) -> None:
    reply = ask(model, "name3 " * 59, temperature=2.0, seed=1)

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (62, 2)


def test_a_folder_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(UsageError, match="loading the model"):
        LocalModel(tmp_path)


def test_a_model_folder_is_known_by_its_config_and_told_apart_by_its_bytes(tmp_path: Path) -> None:
    before = is_model_folder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    first = folder_digest(tmp_path)
    (tmp_path / "config.json").write_text("{ }")

    assert (before, is_model_folder(str(tmp_path))) == (False, True)
    assert folder_digest(tmp_path) != first


def test_the_first_stop_text_counts() -> None:
    assert [first_stop("a b c", stops) for stops in (["c", "b"], ["x"], ["", "a"])] == [2, None, 0]
