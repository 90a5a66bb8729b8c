"""AdamW for a stack: every adapter has its own state, learning rate and clipping, as if trained alone.

The update is that of Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, with
the defaults of torch.optim.AdamW.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from honing.learn.training.options import Schedule, SftOptions

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class StackedAdamW:
    """Steps for the first adapters of a stack.

    Args:
        weights: Tensors of shape (N + 1, ...) that are trained.
        options: Of each of the N adapters. Those with more steps come first.
    """

    def __init__(self, weights: Sequence[Any], options: Sequence[SftOptions]) -> None:
        import torch

        self._weights = list(weights)
        self._options = list(options)
        self._means = [torch.zeros_like(weight) for weight in self._weights]
        self._squares = [torch.zeros_like(weight) for weight in self._weights]
        self.done = 0
        """Steps that were taken."""

    def active(self) -> int:
        """How many adapters still have a step to take: these are the first ones."""
        return sum(options.n_steps is not None and options.n_steps > self.done for options in self._options)

    def step(self) -> None:
        """Move the adapters that are still trained, by the gradients on the weights; then drop the
        gradients."""
        import torch

        n = self.active()
        with torch.no_grad():
            self._clip(n)
            self.done += 1
            moved = self._options[:n]
            rates = [_rate(options, self.done) for options in moved]
            decays = [1.0 - rate * options.weight_decay for rate, options in zip(rates, moved, strict=True)]
            bias, bias_square = (1.0 - beta**self.done for beta in _BETAS)
            for weight, mean, square in zip(self._weights, self._means, self._squares, strict=True):
                gradient = weight.grad[:n]
                mean[:n].lerp_(gradient, 1.0 - _BETAS[0])
                square[:n].mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1.0 - _BETAS[1])
                spread = square[:n].sqrt().div_(math.sqrt(bias_square)).add_(_EPSILON)
                weight[:n].mul_(_each(decays, weight))
                weight[:n].sub_(mean[:n] / spread * _each([rate / bias for rate in rates], weight))
                weight.grad = None

    def _clip(self, n: int) -> None:
        """Shorten each adapter's gradient to its own limit."""
        import torch

        limits = [options.max_gradient_norm or math.inf for options in self._options[:n]]
        if all(limit == math.inf for limit in limits):
            return
        squares = sum(weight.grad[:n].flatten(1).square().sum(1) for weight in self._weights)
        factors = (torch.tensor(limits, device=squares.device) / (squares.sqrt() + 1e-6)).clamp(max=1.0)
        for weight in self._weights:
            weight.grad[:n].mul_(factors[:, None, None])


def _rate(options: SftOptions, step: int) -> float:
    """Learning rate of a step, the first being 1."""
    if options.schedule is Schedule.CONSTANT or options.n_steps is None:
        return options.learning_rate
    return options.learning_rate * (options.n_steps - step + 1) / options.n_steps


def _each(values: Sequence[float], like: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]
