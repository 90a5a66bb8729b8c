"""README.md of a model folder: YAML that a hub reads, then what a person must know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from honing.experiments.exporting.model_folder.folder import BASE
from honing.experiments.exporting.model_folder.trained import Figure, TrainedModel
from honing.experiments.exporting.secrets import Redactor
from honing.store import Run

LICENCE = "other"
"""The hub's word for a licence that its owner has yet to name."""


def card_of(
    run: Run, trained: TrainedModel, *, title: str, base: str, adapter: bool, redactor: Redactor
) -> str:
    """The whole card.

    Args:
        run: That trained the model.
        trained: What is known of it.
        title: Name of the model.
        base: Hub id of its base; empty where that is in the folder, or where the model is whole.
        adapter: Whether it is an adapter.
        redactor: Knows what must not be on it.
    """
    head = yaml.safe_dump(
        _front_matter(trained, title, base, adapter=adapter), sort_keys=False, allow_unicode=True, width=100
    )
    parts = (
        _opening(trained, title, base, adapter=adapter),
        _numbers(trained),
        _training(trained),
        _use(trained, base, adapter=adapter),
        _limits(trained),
        _origin(run, redactor),
    )
    body = "\n\n".join("\n".join(part) for part in parts)
    return redactor.text(f"---\n{head}---\n\n{body}\n")


def _front_matter(trained: TrainedModel, title: str, base: str, *, adapter: bool) -> dict[str, Any]:
    front: dict[str, Any] = {"license": LICENCE, "license_name": "to-be-named"}
    if base:
        front["base_model"] = base
        front["base_model_relation"] = "adapter" if adapter else "finetune"
    front["library_name"] = "peft" if adapter else "transformers"
    front["pipeline_tag"] = "text-generation"
    front["tags"] = ["honing", *(["lora"] if adapter else [])]
    if trained.panel and trained.after:
        front["model-index"] = [{"name": title, "results": [_result(trained)]}]
    return front


def _result(trained: TrainedModel) -> dict[str, Any]:
    named = [(one.name, one) for one in trained.after]
    named += [(f"paired gain: {one.name}", one) for one in trained.gains]
    return {
        "task": {"type": "text-generation"},
        "dataset": {"type": f"honing-panel-{trained.panel}", "name": trained.panel_sentence},
        "metrics": [
            {
                "type": "success_rate" if not name.startswith("paired") else "paired_difference",
                "name": name,
                "value": one.value,
                "args": {"ci95": [one.low, one.high], "n": one.n},
            }
            for name, one in named
        ],
    }


def _opening(trained: TrainedModel, title: str, base: str, *, adapter: bool) -> Iterator[str]:
    yield f"# {_inert(title)}"
    yield ""
    what = "A LoRA adapter" if adapter else "A causal language model"
    on = f" on [{base}](https://huggingface.co/{base})" if base else ""
    on = on or (f" on the model in `{BASE}/`" if adapter else "")
    yield f"{what}{on}, trained and measured by Honing."
    if trained.chosen:
        yield f"\n{trained.chosen}"


def _numbers(trained: TrainedModel) -> Iterator[str]:
    yield "## What was measured"
    yield ""
    if not trained.after and not trained.gains:
        yield "**Nothing.** No measurement of this model is in the run."
        return
    yield f"Panel `{trained.panel or 'unnamed'}`: {_inert(trained.panel_sentence)}. Intervals are 95%."
    yield ""
    yield "| | value | 95% interval | n |"
    yield "|---|---|---|---|"
    yield from _rows("before: ", trained.before)
    yield from _rows("after: ", trained.after)
    yield from _rows("paired gain: ", trained.gains)
    yield ""
    for gain in trained.gains[:1]:
        yield _verdict(gain)
    if trained.harness:
        yield f"\nIt acted through {_inert(trained.harness)}."


def _rows(before: str, figures: Sequence[Figure]) -> Iterator[str]:
    for one in figures:
        ends = "none" if one.low is None or one.high is None else f"{one.low:.3f} to {one.high:.3f}"
        yield f"| {before}{_inert(one.name)} | {one.value:.3f} | {ends} | {'' if one.n is None else one.n} |"


def _verdict(gain: Figure) -> str:
    if gain.low is not None and gain.low > 0:
        return "The interval of the paired gain lies above 0: training helped on these tasks."
    if gain.high is not None and gain.high < 0:
        return "**The interval of the paired gain lies below 0: training did harm on these tasks.**"
    return "**The interval of the paired gain holds 0: that training helped is not shown.**"


def _training(trained: TrainedModel) -> Iterator[str]:
    yield "## What it was trained on"
    yield ""
    if trained.data:
        yield "| data | rows | what | sha256 |"
        yield "|---|---|---|---|"
        for one in trained.data:
            yield f"| `{one.name}` | {one.rows} | {_inert(one.what)} | `{one.sha256}` |"
    else:
        yield "The run does not list its training data."
    if trained.apart:
        yield f"\n{_inert(trained.apart)}"
    yield ""
    yield "<details><summary>Training</summary>"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {_inert(name)} | {_inert(_shown(value))} |" for name, value in trained.training.items())
    yield ""
    yield "</details>"


def _use(trained: TrainedModel, base: str, *, adapter: bool) -> Iterator[str]:
    yield "## How to load it"
    yield ""
    yield "```python"
    yield "from transformers import AutoModelForCausalLM, AutoTokenizer"
    if adapter:
        yield "from peft import PeftModel"
        yield ""
        where = f'"{base}"' if base else f'"FOLDER/{BASE}"'
        yield f"tokenizer = AutoTokenizer.from_pretrained({where})"
        yield f'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({where}), "FOLDER")'
    else:
        yield ""
        yield 'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
        yield 'model = AutoModelForCausalLM.from_pretrained("FOLDER")'
    yield "```"


def _limits(trained: TrainedModel) -> Iterator[str]:
    yield "## Intended use and limits"
    yield ""
    yield (
        "- Meant for tasks like those it was measured on, asked in the same form. Nothing is known of "
        "others, nor of its safety."
    )
    yield "- Training on failures may cost what was not measured; the numbers above are all there is."
    yield from (f"- {_inert(one)}" for one in trained.limits)
    yield "- Licence: to be named by whoever publishes it; that of the base and of the data may bind."


def _origin(run: Run, redactor: Redactor) -> Iterator[str]:
    yield "## Where it comes from"
    yield ""
    yield f"- Honing {run.versions.get('honing', 'unknown')}, run `{run.id}` ({run.kind}), seed {run.seed}"
    yield f"- `{' '.join(redactor.words(run.command)) or 'started from Python'}`"
    packages = {name: run.versions.get(name) for name in ("torch", "transformers", "peft", "trl")}
    known = [f"{name} {found}" for name, found in packages.items() if found]
    yield f"- {', '.join(known) or 'versions unknown'}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _inert(text: str) -> str:
    """Text of a run inside Markdown: one line, no table cell ended, no HTML, no link begun."""
    found = " ".join(text.split())
    marks: Iterable[tuple[str, str]] = (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "&#124;"),
        ("[", "&#91;"),
    )
    for mark, written in marks:
        found = found.replace(mark, written)
    return found
