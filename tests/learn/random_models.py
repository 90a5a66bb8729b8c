"""Causal language models with random weights, of many architectures, too small to say anything sensible."""

from __future__ import annotations

from typing import Any

VOCABULARY = 24
STANDARD = ("llama", "gpt2", "qwen2")

_SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 48,
    "bos_token_id": None,
    "eos_token_id": None,
    "initializer_range": 0.3,
}


def random_model(architecture: str, *, seed: int = 0, **settings: Any) -> Any:
    """A model in evaluation mode, with weights large enough that every token matters."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_config(_config(architecture, settings)).eval()


def _config(architecture: str, settings: dict[str, Any]) -> Any:
    import transformers

    if architecture == "gpt2":
        small = {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 48, "initializer_range": 0.3}
        ends = {"bos_token_id": None, "eos_token_id": None}
        return transformers.GPT2Config(vocab_size=VOCABULARY, **small, **ends, **settings)
    if architecture == "bloom":
        return transformers.BloomConfig(
            vocab_size=VOCABULARY, hidden_size=16, n_layer=2, n_head=4, initializer_range=0.3, **settings
        )
    kinds = {
        "llama": transformers.LlamaConfig,
        "qwen2": transformers.Qwen2Config,
        "mistral": transformers.MistralConfig,
    }
    return kinds[architecture](**{**_SIZES, **settings})


WORDS = ["Goal", ":", "-", "Done", "Seen", "Action", ";", "go", "left", "right", "open", "box", "red", "key"]
SPECIAL = ["<pad>", "<eos>", "<bos>", "<sep>", "<unk>"]


def word_tokenizer(*, begins: bool = False, template: str | None = None, **special: str) -> Any:
    """A tokenizer of a few words, with the special tokens that are named.

    Args:
        begins: Whether it puts `<bos>` before every text.
        template: Its chat template.
        **special: `eos_token="<eos>"` and the like.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    entries = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    made = Tokenizer(models.WordLevel(entries, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if begins:
        made.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", entries["<bos>"])]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", **special)
    tokenizer.chat_template = template
    return tokenizer
