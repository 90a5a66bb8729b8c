"""A real language model that is trained in a few seconds to say what it is told, wrong answers included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} <end> {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""A chat template of the usual kind."""

_SPECIAL = ["<pad>", "<eos>", "<unk>", "<system>", "<user>", "<assistant>", "<end>"]
_MOST_STEPS = 1000
_ENOUGH = 0.01
"""Mean loss below which every answer is known by heart."""


def train_tiny(folder: Path, answers: Mapping[str, str], *, template: str | None = TEMPLATE) -> Path:
    """Save a two-layer model that answers each question as given.

    Args:
        folder: Where to save it.
        answers: By question. Both are words parted by one space.
        template: Chat template; None for a model without one.

    Raises:
        AssertionError: It did not learn them.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = _tokenizer(answers, template)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    ids, labels = _batch(tokenizer, answers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(_MOST_STEPS):
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        if float(loss.detach()) < _ENOUGH:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < _ENOUGH, f"the loss is still {float(loss.detach())}"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(answers: Mapping[str, str], template: str | None) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    said = " ".join(f"{question} {answer}" for question, answer in answers.items())
    vocabulary = {word: number for number, word in enumerate([*_SPECIAL, *sorted(set(said.split()))])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    tokenizer.chat_template = template
    return tokenizer


def _batch(tokenizer: Any, answers: Mapping[str, str]) -> tuple[Any, Any]:
    """Token ids padded on the right, and the same as labels with all but the answers masked."""
    import torch

    pairs = []
    for question, answer in answers.items():
        prompt = question
        if tokenizer.chat_template:
            turns = [{"role": "user", "content": question}]
            prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        pairs.append((tokenizer(prompt)["input_ids"], tokenizer(f"{answer} <eos>")["input_ids"]))
    width = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = [[*prompt, *answer] + [0] * (width - len(prompt) - len(answer)) for prompt, answer in pairs]
    labels = [
        [-100] * len(prompt) + answer + [-100] * (width - len(prompt) - len(answer))
        for prompt, answer in pairs
    ]
    return torch.tensor(ids), torch.tensor(labels)
