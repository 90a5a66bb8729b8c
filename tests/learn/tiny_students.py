"""Random tiny models of three architectures, with a tokenizer of their own, as Hugging Face libraries save
them; and decisions to train them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from honing.learn import Example, Situation

ARCHITECTURES = ("llama", "gpt2", "qwen2")
ROOMS = ("hall", "cellar", "kitchen", "garden")
DOORS = ("red", "blue", "green", "iron")
_LOUD = {"initializer_range": 0.1}
"""Weights that say something, so that a change of them shows."""
_WORDS = "goal you are in the go through door take look room key lamp of and a then : . > , [ ] 0 1 2 3 4 5"


def tiny_model(folder: Path, architecture: str, *, seed: int = 0) -> Path:
    """A model folder: hidden 32, two layers, random weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    # Pairs of bytes, as the three architectures' own tokenizers have them: words alone would not survive
    # being loaded as one of these.
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [f" {word}" for word in (*_WORDS.split(), *ROOMS, *DOORS)]
    tokenizer.train_from_iterator(texts * 3, trainer)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(_config(architecture, tokenizer.get_vocab_size()))
    model.save_pretrained(folder)
    saved = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    saved.save_pretrained(folder)
    return folder


def _config(architecture: str, vocabulary: int) -> Any:
    from transformers import GPT2Config, LlamaConfig, Qwen2Config

    ends = {"vocab_size": vocabulary, "eos_token_id": 1, "bos_token_id": None, "pad_token_id": 0, **_LOUD}
    if architecture == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=128, **ends)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
    }
    kind = {"llama": LlamaConfig, "qwen2": Qwen2Config}[architecture]
    return kind(**sizes, **ends)


def decision(number: int) -> Example:
    """Which door leads out of a room: something that can be learned."""
    room = ROOMS[number % len(ROOMS)]
    others = [f"take lamp {number % 6}", *(f"go through the {door} door" for door in DOORS)]
    return Example(
        situation=Situation(
            goal="goal : go through the iron door",
            observation=f"you are in the {room} . room {number % 5}",
            history=tuple(f"look {step}" for step in range(number % 3)),
            actions=tuple(others),
        ),
        action=f"go through the {DOORS[number % len(DOORS)]} door",
        rejected=f"go through the {DOORS[(number + 1) % len(DOORS)]} door",
        source=f"s{number}",
    )


def decisions(first: int, n: int) -> list[Example]:
    return [decision(number) for number in range(first, first + n)]
