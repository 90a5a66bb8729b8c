"""Tiny models of standard shapes, with random weights."""

from __future__ import annotations

from typing import Any

from honing.learn.warming.options import Architecture, WarmStartOptions


def blank_model(options: WarmStartOptions, tokenizer: Any) -> Any:
    """A causal language model as `transformers` makes it, in float32. Its weights follow from the seed alone;
    torch's own random numbers are left as they were."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return AutoModelForCausalLM.from_config(_config(options, tokenizer), dtype=torch.float32)


def _config(options: WarmStartOptions, tokenizer: Any) -> Any:
    from transformers import GPT2Config, LlamaConfig, Qwen2Config

    shared: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
        # Narrow layers need wider weights than the 0.02 of large models, or attention takes long to form.
        "initializer_range": options.hidden**-0.5,
    }
    if options.architecture is Architecture.GPT2:
        return GPT2Config(
            n_embd=options.hidden,
            n_layer=options.layers,
            n_head=options.heads,
            n_positions=options.context,
            n_inner=2 * options.hidden,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            **shared,
        )
    kind = LlamaConfig if options.architecture is Architecture.LLAMA else Qwen2Config
    return kind(
        hidden_size=options.hidden,
        intermediate_size=2 * options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.heads,
        max_position_embeddings=options.context,
        **shared,
    )
