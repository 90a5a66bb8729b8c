from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from random_models import random_model, word_tokenizer
from tiny_students import decisions, tiny_model

from honing.errors import ModelError, UsageError
from honing.learn import PerToken, Prompt, Situation, Student, StudentOptions, Turn, load_student
from honing.learn.scoring import Method

pytestmark = pytest.mark.teach

CHAT = (
    "{% for m in messages %}Seen {{ m['content'] }} Done {% endfor %}"
    "{% if add_generation_prompt %}Action :{% endif %}"
)
SHORT = Prompt(template="Goal : {observation}")


def student_of(
    tokenizer: Any = None, *, model: Any = None, prompt: Prompt = SHORT, **options: Any
) -> Student:
    return Student(
        random_model("llama") if model is None else model,
        word_tokenizer(eos_token="<eos>") if tokenizer is None else tokenizer,
        prompt=prompt,
        name="tiny",
        identity="weights",
        options=StudentOptions(**options),
    )


def turn(observation: str = "red box", *actions: str) -> Turn:
    actions = actions or ("go left", "go right", "go", "open red box")
    return Turn(situation=Situation(goal="key", observation=observation, actions=actions))


def words(student: Student, ids: Sequence[int]) -> str:
    return " ".join(student.tokenizer.convert_ids_to_tokens(list(ids)))


def rows_run(model: Any) -> list[int]:
    """Rows of every forward pass from now on."""
    counted: list[int] = []
    model.register_forward_pre_hook(
        lambda module, inputs, named: counted.append(len(named["input_ids"])), with_kwargs=True
    )
    return counted


def test_log_probabilities_are_sums_over_tokens_and_the_end_token_normalised_over_the_actions() -> None:
    import torch

    student, asked = student_of(), turn()
    prompt, totals = student.encode(asked.situation), []
    for action in asked.situation.actions:
        said = student.encode_action(action)
        ids = torch.tensor([[*prompt, *said]])
        spoken = torch.log_softmax(student.model(ids).logits[0].detach().double(), dim=-1)
        totals.append(sum(float(spoken[len(prompt) - 1 + n, token]) for n, token in enumerate(said)))
    whole = math.log(sum(math.exp(total) for total in totals))

    assert student.logprobs([asked])[0] == pytest.approx([total - whole for total in totals], abs=1e-5)
    assert student.scores([asked])[0] == pytest.approx(totals, abs=1e-5)


def test_an_action_is_its_words_and_an_end_token() -> None:
    student = student_of()

    assert words(student, student.encode_action("open red box")) == "open red box <eos>"


@pytest.mark.parametrize(
    ("tokenizer", "prompt", "end"),
    [
        ({"eos_token": "<eos>"}, "Goal : red", "<eos>"),
        ({"sep_token": "<sep>", "bos_token": "<bos>"}, "Goal : red", "<sep>"),
        ({"bos_token": "<bos>", "eos_token": "<eos>", "begins": True}, "<bos> Goal : red", "<eos>"),
        ({"bos_token": "<bos>"}, "Goal : red", "<bos>"),
        ({"pad_token": "<pad>"}, "Goal : red", "<pad>"),
        ({"eos_token": "<eos>", "template": CHAT}, "Seen Goal : red Done Action :", "<eos>"),
    ],
    ids=["an end", "a separator", "puts a beginning", "only a beginning", "only padding", "a chat template"],
)
def test_prompts_and_ends_follow_the_tokenizer(tokenizer: dict[str, Any], prompt: str, end: str) -> None:
    student = student_of(word_tokenizer(**tokenizer))
    asked = turn("red")
    naive = student_of(student.tokenizer, model=student.model, method=Method.NAIVE)

    assert words(student, student.encode(asked.situation)) == prompt
    assert words(student, student.encode_action("go")) == f"go {end}"
    assert student.logprobs([asked])[0] == pytest.approx(naive.logprobs([asked])[0], abs=1e-5)


def test_a_prompt_may_do_without_the_chat_template() -> None:
    student = student_of(
        word_tokenizer(eos_token="<eos>", template=CHAT),
        prompt=Prompt(template="Goal : {observation}", chat=False),
    )

    assert words(student, student.encode(turn("red").situation)) == "Goal : red"


def test_a_tokenizer_without_any_token_that_could_end_an_action_is_refused() -> None:
    with pytest.raises(UsageError, match="set `eos_token`"):
        student_of(word_tokenizer())


def test_a_chat_template_that_leaves_out_the_message_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves out the message"):
        student_of(word_tokenizer(eos_token="<eos>", template="hello"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("bytes", ["Ġgo", "<eos>"]), ("pieces", ["▁go", "<eos>"])],
    ids=["an action gets a space before it", "unless the tokenizer puts one itself"],
)
def test_an_action_is_worded_as_after_a_space(kind: str, expected: list[str]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    splits = {
        "bytes": pre_tokenizers.ByteLevel(add_prefix_space=False),
        "pieces": pre_tokenizers.Metaspace(),
    }
    entries = ["<eos>", "<unk>", "go", "Ġgo", "▁go", "▁▁go", "a", "▁a", "Ċ", "Ġ"]
    made = Tokenizer(models.WordLevel({entry: n for n, entry in enumerate(entries)}, unk_token="<unk>"))
    made.pre_tokenizer = splits[kind]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", unk_token="<unk>")
    student = student_of(tokenizer)

    assert tokenizer.convert_ids_to_tokens(student.encode_action("go")) == expected


def test_a_prompt_too_long_for_the_context_loses_its_beginning_and_is_counted() -> None:
    student = student_of(word_tokenizer(bos_token="<bos>", eos_token="<eos>", begins=True))
    long = turn(" ".join(["left"] * 60 + ["box"]), "go left", "go")
    encoded = words(student, student.encode(long.situation)).split()

    assert (encoded[0], encoded[1], encoded[-1], len(encoded)) == ("<bos>", "left", "box", 48 - 3)
    assert student.shortened == 1
    assert math.fsum(map(math.exp, student.logprobs([long])[0])) == pytest.approx(1.0)


def test_an_action_as_long_as_the_context_is_refused() -> None:
    with pytest.raises(UsageError, match="An action of 61 tokens leaves no room"):
        student_of().logprobs([turn("red", "go", " ".join(["left"] * 60))])


def test_identical_situations_are_run_once_and_remembered_ones_not_again() -> None:
    student = student_of()
    alone = student_of(model=student.model, remembered=0)
    asked = [turn("red"), turn("box"), turn("red"), turn("red", "go", "open")]
    expected = alone.logprobs(asked)
    assert student.scoring.method is Method.TRIE
    rows = rows_run(student.model)
    first, again = student.logprobs(asked), student.logprobs(asked)

    assert rows == [3]
    assert first == again
    assert [pytest.approx(found, abs=1e-6) for found in expected] == first


def test_no_more_scores_are_remembered_than_allowed() -> None:
    student = student_of(remembered=2)
    assert student.scoring.method is Method.TRIE
    student.logprobs([turn("red"), turn("box"), turn("key")])
    rows = rows_run(student.model)
    student.logprobs([turn("box"), turn("key")])
    student.logprobs([turn("red")])

    assert rows == [1]


def test_after_forget_changed_weights_are_seen() -> None:
    import torch

    student = student_of()
    before = student.logprobs([turn()])
    with torch.no_grad():
        student.model.get_output_embeddings().weight.neg_()
    remembered = student.logprobs([turn()])
    student.forget()

    assert remembered == before
    assert student.logprobs([turn()]) != before


def test_the_only_action_is_certain() -> None:
    assert student_of().logprobs([turn("red", "go left")]) == [(0.0,)]


def test_log_probability_per_token_counts_the_end_token() -> None:
    student = student_of()
    scores = student.scores([turn()])[0]

    assert isinstance(student, PerToken)
    assert student.per_token([turn()]) == [
        tuple(score / size for score, size in zip(scores, (3, 3, 2, 4), strict=True))
    ]


def test_actions_that_are_the_same_tokens_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"'open vase', 'open jar'.*same tokens"):
        student_of().logprobs([turn("red", "open vase", "open jar")])


def test_weights_that_are_no_numbers_are_a_model_error() -> None:
    import torch

    student = student_of(method=Method.TRIE)
    with torch.no_grad():
        student.model.get_output_embeddings().weight.fill_(float("nan"))

    with pytest.raises(ModelError, match="tiny: no distribution"):
        student.logprobs([turn()])


def test_identity_follows_weights_and_prompt_and_not_the_place(tmp_path: Path) -> None:
    first = tiny_model(tmp_path / "first", "llama", seed=0)
    copied = Path(shutil.copytree(first, tmp_path / "elsewhere" / "copied"))
    other = tiny_model(tmp_path / "other", "llama", seed=1)
    students = [load_student(folder) for folder in (first, copied, other)]

    assert students[0].identity() == students[1].identity()
    assert len({student.identity() for student in (*students, load_student(first, history=2))}) == 3
    assert [student.name for student in students] == ["first", "copied", "other"]


# A notice of transformers about a name that peft uses.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_an_adapter_changes_what_a_loaded_student_says_as_it_would_unmerged(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = tiny_model(tmp_path / "base", "qwen2")
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=2, target_modules=["q_proj", "down_proj"])
    )
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(tmp_path / "adapter")
    asked = [Turn(situation=decision.situation) for decision in decisions(0, 4)]
    plain, adapted = load_student(base), load_student(base, adapter=tmp_path / "adapter")
    unmerged = Student(
        model.eval(), plain.tokenizer, prompt=plain.prompt, name="unmerged", identity="", options=None
    )

    found, expected = adapted.logprobs(asked), unmerged.logprobs(asked)
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in zip(found, expected, strict=True))
    assert found != plain.logprobs(asked)
    assert adapted.identity() != plain.identity()
    assert load_student(tmp_path / "adapter").logprobs(asked) == found


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        load_student(tmp_path)


def test_code_of_a_folder_is_never_run_and_nobody_is_asked_whether_it_may(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(ran)!r}).write_text('yes')\nclass Own: ...\n"
    own = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own", "AutoTokenizer": ["own.Own", None]}
    (tmp_path / "own.py").write_text(code)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": own}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"auto_map": own}))
    begun = time.monotonic()

    with pytest.raises(UsageError):
        load_student(tmp_path)

    # transformers gives a user fifteen seconds to say yes, where it is not told.
    assert (ran.exists(), time.monotonic() - begun < 10) == (False, True)
