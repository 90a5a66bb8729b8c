"""LoRA on any causal language model: which layers get one, how it begins, and how it lies on disk.

An adapter of a linear layer adds scale * B A x to what the layer gives, A of shape (rank, in) and B of shape
(out, rank) (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError, TrainingError, boundary
from honing.learn.checkpoints import (
    ADAPTER_CONFIG,
    INSTALL,
    load_checkpoint,
    read_checkpoint,
    without_bars,
    wrapping,
)
from honing.learn.training.options import SftOptions
from honing.store import write_atomic

WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A linear layer that gets an adapter."""

    name: str
    """Within the base model: "model.layers.0.self_attn.q_proj"."""
    n_in: int
    n_out: int
    transposed: bool
    """Whether its weight is (in, out), as GPT-2 has it."""

    @property
    def short(self) -> str:
        """The last part of its name."""
        return self.name.rpartition(".")[2]


Weights = Mapping[str, tuple[Any, Any]]
"""A and B of each layer by its name, shapes (rank, in) and (out, rank)."""


def layers_of(model: Any, targets: tuple[str, ...]) -> list[Layer]:
    """The layers of a base model that get an adapter, in the model's order.

    Args:
        model: A Hugging Face causal language model.
        targets: Last parts of their names; empty for every linear layer but the output head.

    Raises:
        TrainingError: A target is no linear layer of the model, or there is none at all.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    found = []
    for name, module in model.named_modules():
        if module is head or not isinstance(module, torch.nn.Linear | Conv1D):
            continue
        if isinstance(module, Conv1D):
            found.append(Layer(name=name, n_in=module.nx, n_out=module.nf, transposed=True))
        else:
            sizes = {"n_in": module.in_features, "n_out": module.out_features}
            found.append(Layer(name=name, **sizes, transposed=False))
    there = sorted({layer.short for layer in found})
    unknown = sorted(set(targets) - set(there))
    if unknown or not found:
        raise TrainingError(
            f"{type(model).__name__}: no linear layer is named {', '.join(unknown) or 'anything'}; there are "
            f"{', '.join(there) or 'none'}. Name some of these as targets, or none for all."
        )
    return [layer for layer in found if not targets or layer.short in targets]


def first_weights(layer: Layer, rank: int, seed: int) -> tuple[Any, Any]:
    """A and B before training: A uniform within 1/sqrt(in), as PEFT draws it, and B zero.

    The draw depends on the seed and the layer's name alone, so every trainer begins alike.
    """
    import torch

    key = hashlib.blake2b(f"{seed}\0{layer.name}".encode(), digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key, "big"))
    bound = 1.0 / math.sqrt(layer.n_in)
    a = torch.empty(rank, layer.n_in).uniform_(-bound, bound, generator=generator)
    return a, torch.zeros(layer.n_out, rank)


def with_lora(model: Any, options: SftOptions, first: Weights | None = None) -> Any:
    """A PEFT model around a base model.

    Args:
        model: The base.
        options: Rank, alpha and targets count.
        first: The adapter's weights; those of `first_weights` where None.

    Raises:
        MissingToolError: peft is not installed.
        TrainingError: See `layers_of`.
    """
    try:
        from peft import get_peft_model
    except ImportError as error:
        raise MissingToolError(INSTALL) from error
    layers = layers_of(model, options.targets)
    with wrapping():
        wrapped = get_peft_model(model, _config(layers, options))
    there = set(_lora_layers(wrapped))
    if there != {layer.name for layer in layers}:
        raise TrainingError(
            f"{type(model).__name__}: PEFT put adapters on {len(there)} layers where {len(layers)} were "
            "meant; a layer beside the targets has the name of one. Name other targets."
        )
    if first is None:
        first = {layer.name: first_weights(layer, options.rank, options.seed) for layer in layers}
    _set_weights(wrapped, first)
    return wrapped


def weights_of(wrapped: Any) -> dict[str, tuple[Any, Any]]:
    """A and B of each layer of a PEFT model, on the processor."""
    return {
        name: (
            module.lora_A["default"].weight.detach().cpu().float().clone(),
            module.lora_B["default"].weight.detach().cpu().float().clone(),
        )
        for name, module in _lora_layers(wrapped).items()
    }


def write_adapter(
    folder: Path, weights: Weights, layers: Sequence[Layer], base: str, options: SftOptions
) -> None:
    """Save an adapter as PEFT reads it. The same weights give the same bytes; the config comes last, so a
    folder with one is whole.

    Args:
        folder: Where; made if need be.
        weights: By layer.
        layers: Those of the base.
        base: Hub id or folder of the base. Within the folder of one run its place is written relative to the
            adapter's, so that the run can be moved.
        options: Rank, alpha and targets count.

    Raises:
        StoreError: The file system refused.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for layer in layers:
        for side, weight in zip("AB", weights[layer.name], strict=True):
            tensors[f"{_PREFIX}{layer.name}.lora_{side}.weight"] = weight.contiguous()
    document = _config(layers, options).to_dict()
    document.update(base_model_name_or_path=_place_of(base, folder), inference_mode=True)
    plain = {name: sorted(value) if isinstance(value, set) else value for name, value in document.items()}
    write_atomic(folder / WEIGHTS, save(tensors, metadata={"format": "pt"}))
    write_atomic(folder / ADAPTER_CONFIG, json.dumps(plain, indent=2, sort_keys=True).encode() + b"\n")


def read_adapter(folder: Path) -> tuple[dict[str, tuple[Any, Any]], float]:
    """The weights of a saved LoRA adapter by layer, and its scale.

    Raises:
        TrainingError: The folder holds no plain LoRA adapter.
    """
    from safetensors.torch import load_file

    with boundary(TrainingError, f"{folder}: reading the adapter"):
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        odd = [name for name in ("use_dora", "rank_pattern", "alpha_pattern") if config.get(name)]
        if config.get("peft_type") != "LORA" or odd:
            raise TrainingError(
                f"{folder}: a plain LoRA adapter was expected, found {config.get('peft_type')} {odd}. "
                "Put it on its base alone, or merge it."
            )
        scale = config["lora_alpha"] / (math.sqrt(config["r"]) if config.get("use_rslora") else config["r"])
    found = {}
    for name, a in tensors.items():
        layer, _, rest = name.removeprefix(_PREFIX).partition(".lora_A.")
        if rest:
            found[layer] = (a.float(), tensors[name.replace(".lora_A.", ".lora_B.")].float())
    return found, scale


def merge_adapter(adapter: Path, out: Path) -> Path:
    """Save the model that an adapter makes of its base, as a folder that needs no PEFT.

    Raises:
        UsageError: The adapter or its base cannot be loaded.
        TrainingError: The folder is not empty, or cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise TrainingError(f"{out}: is not empty. Name a new folder for the merged model.")
    model, tokenizer = load_checkpoint(read_checkpoint(adapter))
    with boundary(TrainingError, f"{out}: saving the merged model"), without_bars():
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    return out


def _config(layers: Sequence[Layer], options: SftOptions) -> Any:
    from peft import LoraConfig, TaskType

    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=0.0,
        target_modules=sorted({layer.short for layer in layers}),
        fan_in_fan_out=any(layer.transposed for layer in layers),
    )


def _lora_layers(wrapped: Any) -> dict[str, Any]:
    return {
        name.removeprefix(_PREFIX): module
        for name, module in wrapped.named_modules()
        if hasattr(module, "lora_A") and "default" in module.lora_A
    }


def _set_weights(wrapped: Any, weights: Weights) -> None:
    import torch

    with torch.no_grad():
        for name, module in _lora_layers(wrapped).items():
            a, b = weights[name]
            module.lora_A["default"].weight.copy_(a)
            module.lora_B["default"].weight.copy_(b)


def _place_of(base: str, adapter: Path) -> str:
    """What an adapter calls its base."""
    folder = Path(base)
    if not folder.is_dir():
        return base
    folder, adapter = folder.resolve(), adapter.resolve()
    run = next((place for place in adapter.parents if (place / "run.json").is_file()), None)
    if run is None or not folder.is_relative_to(run):
        return str(folder)
    up = len(adapter.relative_to(run).parts)
    return "/".join([".."] * up + list(folder.relative_to(run).parts))
