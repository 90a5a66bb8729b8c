"""Faults of rollouts: the model was not asked what the grader believes it was asked, or not at all."""

from __future__ import annotations

from case import Case, Slip
from pieces import GRADE, ROWS, RUN, SCORE, contract, jsonl, swap, uncalibrated

ANSWERS = 'answers = {row["id"]: ask("Q: " + row["question"] + " A:") for row in rows}'
TO_GRADER = "the rollout (changed|added|left|wrote)"
NULL_WINS = uncalibrated(r"null: scored 1\b")


def asking(name: str, what: str, said: str, replaced: str, **other: object) -> Case:
    """A rollout that gets its answers in another way."""
    files = {"run.py": swap(RUN, (ANSWERS, replaced)), **other.pop("files", {})}  # type: ignore[dict-item]
    return Case(name=name, what=what, said=said, files=files, **other)


def planting(name: str, what: str, said: str, planted: str, **other: object) -> Case:
    """A rollout that asks as it should and then plants something for the grader."""
    return Case(name=name, what=what, said=said, files={"run.py": RUN + planted}, **other)


SHADOW = """
open('json.py', 'w').write('''
import importlib.util, os, sys, sysconfig
home = os.path.join(sysconfig.get_paths()['stdlib'], 'json')
where = os.path.join(home, '__init__.py')
spec = importlib.util.spec_from_file_location('json', where, submodule_search_locations=[home])
real = sys.modules['json'] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)
plain = real.dump
def dump(what, out):
    plain({"score": 0.99} if 0.2 < what.get('score', 0) < 1 else what, out)
real.dump = dump
''')
"""

FAULTS = [
    asking(
        "asks_nobody",
        "the answers are copied from the questions file",
        "no call reached the gateway",
        'answers = {row["id"]: row["answer"] for row in rows}',
    ),
    asking(
        "asks_one",
        "one answer stands for all questions",
        uncalibrated(r"oracle: only 1 of 12 answers"),
        'one = ask(rows[0]["question"])\nanswers = {row["id"]: one for row in rows}',
    ),
    asking(
        "asks_and_forgets",
        "the model is asked, and the gold is handed in",
        uncalibrated(r"null: scored 1\b"),
        'answers = {row["id"]: ask(row["question"]) and row["answer"] or row["answer"] for row in rows}',
    ),
    asking(
        "mends_failures",
        "an empty answer is replaced by the gold",
        uncalibrated(r"null: scored 1\b"),
        'answers = {row["id"]: ask(row["question"]) or row["answer"] for row in rows}',
        slip=Slip.EMPTY,
    ),
    asking(
        "without_the_question",
        "the question is left out of the prompt",
        "joined no row of the data",
        'answers = {row["id"]: ask("Answer the question.") for row in rows}',
    ),
    asking(
        "wrong_split_is_asked",
        "the questions of another split are asked",
        "joined no row of the data",
        'train = [json.loads(line) for line in open("train.jsonl")]\n'
        'answers = {row["id"]: ask(other["question"]) for row, other in zip(rows, train)}',
        files={
            "train.jsonl": jsonl({"id": f"t{i}", "question": f"What is {i} minus {i}?"} for i in range(12))
        },
    ),
    asking(
        "asks_the_next_row",
        "each id gets the answer to the next row's question",
        uncalibrated(r"oracle: scored 0\b"),
        'answers = {row["id"]: ask(rows[(i + 1) % len(rows)]["question"]) for i, row in enumerate(rows)}',
    ),
    asking(
        "cache_of_another_model",
        "answers of an earlier model lie in a cache, found by the prompt alone",
        uncalibrated(r"oracle: only 7 of 12 answers|(null|shuffled): scored"),
        'cache = json.load(open("cache.json"))\n'
        'answers = {row["id"]: cache.get(row["question"]) or ask(row["question"]) for row in rows}',
        files={
            "cache.json": "{" + ", ".join(f'"{row["question"]}": "{row["answer"]}"' for row in ROWS[:5]) + "}"
        },
    ),
    asking(
        "swallows_failures",
        "a failed call becomes a wrong answer",
        r"tasks got no answer",
        'def careful(text):\n    try:\n        return ask(text)\n    except Exception:\n        return ""\n'
        'answers = {row["id"]: careful(row["question"]) for row in rows}',
        slip=Slip.DOWN,
    ),
    Case(
        name="leaves_out_rows",
        what="only the first three questions are asked, and the grader counts what was answered",
        said=uncalibrated("oracle: only 3 of 12 answers"),
        files={
            "run.py": swap(RUN, (ANSWERS, ANSWERS.replace("in rows", "in rows[:3]"))),
            "grade.py": swap(
                GRADE, ("right = [", "rows = [row for row in rows if row['id'] in answers]\nright = [")
            ),
        },
    ),
    Case(
        name="leaves_out_what_fails",
        what="rows whose answer is empty are dropped before grading",
        said=uncalibrated(r"(null|half)"),
        files={
            "run.py": swap(
                RUN, (ANSWERS, ANSWERS + "\nanswers = {name: text for name, text in answers.items() if text}")
            ),
            "grade.py": swap(
                GRADE,
                ("right = [", "rows = [row for row in rows if row['id'] in answers]\nright = ["),
                (SCORE, "sum(right) / max(1, len(rows))"),
            ),
        },
        slip=Slip.EMPTY,
    ),
    asking(
        "gold_in_the_prompt",
        "the prompt ends with the right answer",
        r"(prompt|echo).*(right answer|gold|scored)",
        'told = {row["id"]: " (answer: " + row["answer"] + ")" for row in rows}\n'
        'answers = {row["id"]: ask("Q: " + row["question"] + told[row["id"]] + " A:") for row in rows}',
    ),
    Case(
        name="gold_in_the_prompt_and_lenient",
        what="the prompt shows the right answer, and the grader looks whether the answer holds it",
        said=r"(prompt|echo|talk).*(right answer|gold|scored)",
        files={
            "run.py": swap(RUN, ('+ " A:")', '+ " Remember: " + row["answer"] + " A:")')),
            "grade.py": swap(
                GRADE, ('answers[row["id"]].strip() == row["answer"]', 'row["answer"] in answers[row["id"]]')
            ),
        },
    ),
    planting(
        "rewrites_the_grader",
        "the rollout rewrites grade.py",
        r"the rollout changed what the target brought \(grade\.py\)",
        "\nopen('grade.py', 'w').write('open(\"metrics.json\", \"w\").write(\\'{\"score\": 1.0}\\')')\n",
    ),
    planting(
        "removes_a_question",
        "the rollout removes the questions it fails",
        r"the rollout changed what the target brought \(questions\.jsonl\)",
        "\nopen('questions.jsonl', 'w').write(''.join(json.dumps(row) + '\\n' for row in rows[:3]))\n",
    ),
    planting(
        "shadows_a_module",
        "the rollout leaves a json.py that lifts every score between 0.2 and 1",
        f"{TO_GRADER}.*json",
        SHADOW,
    ),
    planting(
        "plants_sitecustomize",
        "the rollout leaves a sitecustomize.py on the grader's path",
        f"{TO_GRADER}.*sitecustomize|{NULL_WINS}",
        "\nopen('sitecustomize.py', 'w').write('import os, atexit\\natexit.register(lambda: "
        'open("metrics.json", "w").write(\\\'{"score": 1.0}\\\'))\')\n',
        contract=contract(evaluate={"env": {"PYTHONPATH": "."}}),
    ),
    planting(
        "plants_a_program",
        "the rollout leaves a python3 in the folder that the grader's PATH begins with",
        f"{TO_GRADER}.*python3|{NULL_WINS}",
        "\nos.makedirs('bin', exist_ok=True)\n"
        "open('bin/python3', 'w').write('#!/bin/sh\\necho \\'{\"score\": 1.0}\\' > metrics.json\\n')\n"
        "os.chmod('bin/python3', 0o755)\n",
        contract=contract(evaluate={"commands": ["PATH=$PWD/bin:$PATH python3 grade.py"]}),
    ),
    planting(
        "writes_its_own_result",
        "the rollout writes metrics.json, and the grader leaves it where it is there",
        r"was not written",
        "\nopen('metrics.json', 'w').write('{\"score\": 1.0}')\n",
        contract=contract(evaluate={"commands": ["test -e grade.done || true"]}),
    ),
    Case(
        name="rollout_fails",
        what="the rollout ends with an error after half of the questions",
        said=r"stage rollout.*exited with 1",
        files={"run.py": swap(RUN, (ANSWERS, ANSWERS + "\nraise SystemExit(1)"))},
    ),
]
