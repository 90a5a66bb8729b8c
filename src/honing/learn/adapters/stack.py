"""Many LoRA adapters on one base model: each row of a forward pass goes through an adapter of its own.

The base's layers stay as they are. While a stack is attached, a hook adds to what a layer gives: for a row
with adapter n, scale * B_n A_n x. The layers' own computation is done once for all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from honing.errors import TrainingError
from honing.learn.training.lora import Layer, Weights, layers_of, read_adapter, write_adapter
from honing.learn.training.options import SftOptions


class Stack:
    """Adapters of one shape, numbered from 0 in the order of `names`. Not safe to use from several threads.

    Args:
        layers: Which layers of the base have adapters.
        weights: A and B of all adapters by layer, shapes (N + 1, rank, in) and (N + 1, out, rank); the last
            is zero and stands for the base.
        names: Of the N adapters, unique.
        scale: What the products are multiplied with.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        weights: Mapping[str, tuple[Any, Any]],
        names: Sequence[str],
        scale: float,
    ) -> None:
        if len(set(names)) != len(names) or not names:
            raise TrainingError(f"Adapters need names of their own, got {list(names)}.")
        self.layers = tuple(layers)
        self.names = tuple(names)
        self.scale = scale
        self.weights = dict(weights)
        self._route: Any = None
        self._groups: tuple[slice, int] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int:
        """The number of an adapter by its name."""
        return self.names.index(name)

    def alone(self, number: int) -> dict[str, tuple[Any, Any]]:
        """A and B of one adapter by layer."""
        return {
            name: (a[number].detach().cpu().float().clone(), b[number].detach().cpu().float().clone())
            for name, (a, b) in self.weights.items()
        }

    def export(self, number: int, folder: Path, *, base: str, options: SftOptions) -> Path:
        """Save one adapter as PEFT reads it.

        Args:
            number: Which.
            folder: Where.
            base: Hub id or folder of the base model.
            options: Those it was trained with.

        Raises:
            StoreError: The file system refused.
        """
        write_adapter(folder, self.alone(number), self.layers, base, options)
        return folder

    def identity(self) -> str:
        """Hash of all weights."""
        whole = hashlib.sha256(f"{self.scale}".encode())
        for layer in self.layers:
            for weight in self.weights[layer.name]:
                whole.update(weight.detach().cpu().contiguous().numpy().tobytes())
        return whole.hexdigest()

    def route(self, rows: Sequence[int | None]) -> None:
        """Say which adapter each row of the coming forward passes has; None is the base."""
        import torch

        numbers = [len(self) if row is None else row for row in rows]
        device = self.weights[self.layers[0].name][0].device
        self._route = torch.tensor(numbers, device=device)
        self._groups = _groups(numbers)

    @contextmanager
    def attached(self, model: Any) -> Iterator[None]:
        """Let the adapters act on a model for as long as the block runs; `route` comes before each pass."""
        hooks = [
            model.get_submodule(layer.name).register_forward_hook(self._hook(layer)) for layer in self.layers
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._route = None

    def _hook(self, layer: Layer) -> Any:
        a_all, b_all = self.weights[layer.name]

        def add(_: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            seen = inputs[0]
            if self._route is None or seen.dim() != 3 or seen.shape[0] != len(self._route):
                raise TrainingError(
                    f"Layer {layer.name} was given {tuple(seen.shape)} where (rows, tokens, features) with "
                    "one adapter per row was expected: this architecture cannot take many adapters. "
                    "Train and ask them one by one (training.trainer: trl)."
                )
            return self._added(seen.to(a_all.dtype), output, a_all, b_all)

        return add

    def _added(self, seen: Any, output: Any, a_all: Any, b_all: Any) -> Any:
        """What a layer gives, and scale * B A x on top for every row, shape (rows, tokens, out)."""
        import torch

        which, each = (self._route, 1) if self._groups is None else self._groups
        a, b = a_all[which], b_all[which]
        # Neighbours with one adapter are one longer row: fewer and larger products.
        grouped = seen.reshape(len(a), each * seen.shape[1], -1)
        low = torch.bmm(grouped, a.transpose(1, 2)) * self.scale
        if output.dtype != low.dtype:
            return output + torch.bmm(low, b.transpose(1, 2)).reshape(output.shape).to(output.dtype)
        base = output.reshape(len(a), grouped.shape[1], -1)
        return torch.baddbmm(base, low, b.transpose(1, 2)).reshape(output.shape)


def load_stack(model: Any, folders: Mapping[str, Path]) -> Stack:
    """The adapters of several PEFT folders as one stack.

    Args:
        model: Their base.
        folders: By name. Their ranks and scales may differ; their layers may not.

    Raises:
        TrainingError: A folder holds no plain LoRA adapter, or one for other layers.
    """
    read = {name: read_adapter(folder) for name, folder in folders.items()}
    first = next(iter(read.values()), ({}, 1.0))[0]
    layers = [layer for layer in layers_of(model, ()) if layer.name in first]
    named = {layer.name for layer in layers}
    odd = [name for name, (weights, _) in read.items() if set(weights) != named]
    if odd:
        raise TrainingError(
            f"The adapters {', '.join(odd)} are for other layers than {next(iter(read))}, or for another "
            "base. Ask each alone (`load_student(base, adapter=...)`)."
        )
    rank = max((a.shape[0] for weights, _ in read.values() for a, _ in weights.values()), default=1)
    padded = [_padded(weights, rank, scale) for weights, scale in read.values()]
    return stack_of(layers, padded, list(read), 1.0, model.device)


def stack_of(
    layers: Sequence[Layer], adapters: Sequence[Weights], names: Sequence[str], scale: float, device: Any
) -> Stack:
    """A stack of single adapters."""
    import torch

    weights = {}
    for layer in layers:
        a = torch.stack([adapter[layer.name][0] for adapter in adapters])
        b = torch.stack([adapter[layer.name][1] for adapter in adapters])
        weights[layer.name] = tuple(
            torch.cat([side, torch.zeros_like(side[:1])]).to(device) for side in (a, b)
        )
    return Stack(layers, weights, names, scale)


def _padded(weights: Weights, rank: int, scale: float) -> dict[str, tuple[Any, Any]]:
    """An adapter of a lower rank with zeros up to a rank, its scale within B."""
    import torch

    return {
        name: (
            torch.nn.functional.pad(a, (0, 0, 0, rank - a.shape[0])),
            torch.nn.functional.pad(b * scale, (0, rank - b.shape[1])),
        )
        for name, (a, b) in weights.items()
    }


def _groups(numbers: Sequence[int]) -> tuple[slice, int] | None:
    """Where rows go through neighbouring adapters in order, the same count each: which, and how many rows."""
    first, last = numbers[0], numbers[-1]
    each, rest = divmod(len(numbers), last - first + 1) if last >= first else (0, 1)
    if rest or not each:
        return None
    as_groups = all(number == first + place // each for place, number in enumerate(numbers))
    return (slice(first, last + 1), each) if as_groups else None
