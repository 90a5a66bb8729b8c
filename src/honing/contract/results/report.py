"""The page of a measurement, as plain data: the number, what brackets it, and every sample behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from honing.contract.controls.calibrate import Calibration, ControlScore
from honing.contract.controls.control import Control
from honing.contract.results.model_differences import Difference, differences, reward_width
from honing.contract.results.report_sections import contract_section, coverage_table, evidence_sections
from honing.contract.results.result import Result
from honing.contract.samples.sample import Sample
from honing.contract.spec import ContractSpec
from honing.store import (
    Badge,
    Bracket,
    CellKind,
    Column,
    Estimate,
    Fact,
    Headline,
    Interval,
    Report,
    SampleRow,
    Samples,
    Section,
    Table,
    Text,
    Tone,
)


def report_of(
    title: str,
    results: Sequence[tuple[Result, Sequence[Sample]]],
    calibration: Calibration,
    contract: ContractSpec,
    evidence: Iterable[Mapping[str, Any]] = (),
) -> Report:
    """The page of one or more models measured on the same contract."""
    sections = [
        Section(title="Result", blocks=tuple(_headlines(results, calibration, contract))),
        _calibration_section(calibration),
        _audit_section(results[-1][0]),
        Section(
            title="Samples",
            text="How they ended, and every prompt, completion and reward. Type / to search, j, k to move.",
            blocks=(coverage_table([result for result, _ in results]), _samples(results)),
        ),
        contract_section(contract, results[-1][0]),
        *evidence_sections(list(evidence)),
    ]
    badge = Badge("calibrated", Tone.GOOD) if calibration.ok else Badge("not calibrated", Tone.BAD)
    return Report(
        title=title,
        subtitle=f"{contract.metric.name}, {contract.metric.direction}d over {calibration.population} rows",
        badges=(badge, Badge(f"level {calibration.level.value}", Tone.INFO)),
        sections=tuple(sections),
        footer=(
            "Made by `hone report`. Score the stored samples again, without any model: `hone reverify RUN`."
        ),
    )


def _headlines(
    results: Sequence[tuple[Result, Sequence[Sample]]], calibration: Calibration, contract: ContractSpec
) -> Iterable[Headline | Table | Text | Bracket]:
    (first, _), *others = results
    if not others:
        yield _headline(first, calibration)
        yield from _remarks(first)
        return
    yield _bracket(results, calibration)
    columns = (
        Column(key="model", title="model"),
        Column(key="score", title=first.metric["name"], kind=CellKind.INTERVAL, digits=3, low=0.0, high=1.0),
        Column(key="n", title="judged", kind=CellKind.TEXT),
        Column(key="tokens", title="tokens", kind=CellKind.NUMBER, digits=0),
        Column(key="cost", title="cost", kind=CellKind.MONEY),
        Column(key="label", title="", kind=CellKind.BADGE),
    )
    yield Table.of(
        columns, [_model_row(result) for result, _ in results], caption="Models, with 95% intervals"
    )
    apart = differences([(one.model, samples) for one, samples in results], width=reward_width(contract))
    if apart:
        yield _differences(apart)
    for result, _ in results:
        yield from _remarks(result)


def _differences(apart: Sequence[Difference]) -> Table:
    columns = (
        Column(key="b", title="model"),
        Column(key="a", title="against"),
        Column(key="difference", title="difference", kind=CellKind.INTERVAL, digits=3),
        Column(key="pairs", title="pairs", kind=CellKind.NUMBER, digits=0),
        Column(key="p", title="p", kind=CellKind.NUMBER, digits=4, note="Holm, over all pairs of models"),
    )
    rows: list[dict[str, Any]] = [
        {
            "a": one.a,
            "b": one.b,
            "difference": Interval(one.difference, *one.ci95),
            "pairs": one.pairs,
            "p": one.p_holm,
        }
        for one in apart
    ]
    return Table.of(columns, rows, caption="Differences on the same samples, with 95% intervals")


def _remarks(result: Result) -> Iterable[Text]:
    """What a reader of the score must know."""
    if result.judge is not None:
        found = result.judge["calibration"]
        sides = [
            f"{found[side]['agreement']:.3f} of {found[side]['n']} {side} answers"
            for side in ("right", "wrong")
            if found[side] is not None
        ]
        judge = f"{result.judge['model']}, which agrees with {' and '.join(sides)}"
        yield Text(text=f"{result.model} was judged by a model, {judge}.", tone=Tone.WARN)
    if result.results is not None and not result.results["agrees"]:
        yield Text(
            text=f"Per-sample results of the target are not used: {result.results['reason']}.", tone=Tone.BAD
        )
    if result.unmarked is not None and result.unmarked[1]:
        line, count = result.unmarked
        yield Text(text=f"{count} of {result.n_scored} answers of {result.model} lack the line '{line} ...'.")


def _model_row(result: Result) -> dict[str, Any]:
    return {
        "model": result.model,
        "score": _interval(result),
        "n": f"{result.n_scored} of {result.n_planned}",
        "tokens": result.tokens["input"] + result.tokens["output"],
        "cost": result.cost_usd,
        "label": _label(result),
    }


def _label(result: Result) -> Badge:
    return Badge(
        result.label, {"calibrated": Tone.GOOD, "uncalibrated": Tone.WARN}.get(result.label, Tone.BAD)
    )


def _interval(result: Result) -> Interval | None:
    if result.score is None or result.ci95 is None:
        return None
    return Interval(result.score, *result.ci95)


def _headline(result: Result, calibration: Calibration) -> Headline:
    n = f"{result.n_scored} of {result.n_planned}"
    cost = Fact(label="cost", value=result.cost_usd, kind=CellKind.MONEY)
    facts = (
        Fact(label="coverage", value=result.coverage, kind=CellKind.PERCENT, note=f"{n} judged"),
        Fact(label="rows of the target", value=result.population, kind=CellKind.NUMBER, digits=0),
        Fact(label="calls", value=result.calls, kind=CellKind.NUMBER, digits=0),
        Fact(label="tokens", value=sum(result.tokens.values()), kind=CellKind.NUMBER, digits=0),
        cost if result.cost_usd is not None else Fact(label="cost", value="unknown"),
        Fact(label="mode", value=result.mode),
    )
    return Headline(
        label=f"{result.metric['name']} of {result.model}",
        value=result.score,
        interval=_interval(result),
        digits=3,
        badge=_label(result),
        note=result.reason,
        facts=facts,
        bracket=_bracket([(result, ())], calibration),
    )


def _bracket(results: Sequence[tuple[Result, Sequence[Sample]]], calibration: Calibration) -> Bracket:
    metric = results[0][0].metric
    low, high = metric["range"]
    return Bracket(
        title="The score between its controls",
        scores=tuple(
            Estimate(label=result.model, value=result.score, low=_low(result), high=_high(result))
            for result, _ in results
            if result.score is not None
        ),
        ceilings=tuple(_estimates(calibration, ceiling=True)),
        floors=tuple(_estimates(calibration, ceiling=False)),
        low=low,
        high=high,
        chance=metric["chance"],
        unit=metric["unit"],
        caption=(
            f"Controls over {calibration.rows} of {calibration.population} rows, through the same "
            "stages as the model."
        ),
    )


def _low(result: Result) -> float | None:
    return result.ci95[0] if result.ci95 else None


def _high(result: Result) -> float | None:
    return result.ci95[1] if result.ci95 else None


def _estimates(calibration: Calibration, *, ceiling: bool) -> Iterable[Estimate]:
    """The controls of one end of the bracket; of the formats only the worst, which says most."""
    formats = [
        c for c in calibration.controls if c.control.startswith(Control.FORMAT) and c.score is not None
    ]
    if ceiling and formats:
        worst = min(formats, key=lambda one: one.score or 0.0)
        label = f"worst of {len(formats)} formats" if len(formats) > 1 else _name(worst)
        yield Estimate(label=label, value=worst.score or 0.0)
    for control in calibration.controls:
        if control in formats or control.control == Control.HALF:
            continue
        is_floor = control.control in (Control.NULL, Control.SHUFFLED, Control.TALK)
        if control.score is not None and is_floor != ceiling:
            high = control.bound if is_floor else None
            yield Estimate(
                label=_name(control), value=control.score, low=control.score if high else None, high=high
            )


def _name(control: ControlScore) -> str:
    return control.control.replace(f"{Control.FORMAT}:", "format: ").replace("_", " ")


def _calibration_section(calibration: Calibration) -> Section:
    columns = (
        Column(key="control", title="control"),
        Column(key="score", title="score", kind=CellKind.NUMBER, digits=3),
        Column(key="n", title="samples", kind=CellKind.NUMBER, digits=0),
        Column(key="bound", title="bound", kind=CellKind.NUMBER, digits=3, note="one-sided 95%"),
        Column(key="needed", title="needed"),
        Column(key="ok", title="", kind=CellKind.BADGE),
    )
    rows = [
        {
            "control": _name(one),
            "score": one.score,
            "n": one.n,
            "bound": one.bound,
            "needed": one.needed or one.note,
            "ok": _verdict(one),
        }
        for one in calibration.controls
    ]
    table = Table.of(columns, rows, caption=f"Controls over {calibration.rows} rows")
    warnings = tuple(Text(text=reason, tone=Tone.BAD) for reason in calibration.reasons)
    text = "The same stages, answered by somebody whose score is known. A score counts only between them."
    return Section(title="Calibration", text=text, blocks=(*warnings, table))


_FINDINGS = {"held": Tone.GOOD, "broken": Tone.BAD, "suspicious": Tone.WARN}


def _audit_section(result: Result) -> Section:
    columns = (
        Column(key="rule", title="rule"),
        Column(key="finding", title="", kind=CellKind.BADGE),
        Column(key="why", title="what it rests on"),
    )
    rows = [
        {**one, "finding": Badge(one["finding"], _FINDINGS.get(one["finding"], Tone.INFO))}
        for one in result.audit
    ]
    text = (
        "What must have happened for the number to be about the model (`hone contract audit` tries to cheat)."
    )
    return Section(title="Audit", text=text, blocks=(Table.of(columns, rows, caption="Causal rules"),))


def _verdict(one: ControlScore) -> Badge:
    if not one.ok:
        return Badge("failed", Tone.BAD)
    return Badge("passed", Tone.GOOD) if one.needed else Badge("reported")


def _samples(results: Sequence[tuple[Result, Sequence[Sample]]]) -> Samples:
    rows = [
        SampleRow(
            id=sample.id if sample.epoch == 0 else sample.key,
            prompt=sample.prompt,
            completion=sample.completion,
            target=sample.target,
            reward=sample.reward,
            status=sample.status.value,
            extra={
                "model": result.model,
                "extracted": sample.extracted,
                "why": sample.why or sample.error,
                "tokens": _tokens(sample),
                "seed": sample.seed,
            },
        )
        for result, samples in results
        for sample in samples
    ]
    return Samples(
        rows=tuple(rows),
        columns=(Column(key="model", title="model", filter=True),),
        details=(
            Column(key="extracted", title="extracted answer"),
            Column(key="why", title="why"),
            Column(key="tokens", title="tokens, in and out"),
            Column(key="seed", title="seed", kind=CellKind.NUMBER),
        ),
    )


def _tokens(sample: Sample) -> str | None:
    counts = [sample.usage.get(name) for name in ("input_tokens", "output_tokens")]
    return None if None in counts else " + ".join(f"{count:,}" for count in counts)
