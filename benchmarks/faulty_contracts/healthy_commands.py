"""Healthy targets with commands of their own, of many shapes. Each has a known score that is not 1."""

from __future__ import annotations

from case import Case, Slip
from pieces import (
    CONTRACT,
    GRADE,
    QUESTIONS,
    ROWS,
    RUN,
    SCORE,
    VERDICT,
    WORDS,
    Row,
    contract,
    jsonl,
    swap,
)

ANSWERS = 'answers = {row["id"]: ask("Q: " + row["question"] + " A:") for row in rows}'
TASK = {
    "files": [QUESTIONS],
    "kind": "question_answer",
    "fields": {"input": "question", "target": "answer"},
    "reading": {"form": "plain"},
    "scorer": {"name": "numeric"},
    "template": "{input} Reply with the number alone.",
    "chance": 0.0,
    "id_column": "id",
}
JUDGE = """
import json
rows = [json.loads(line) for line in open("samples.jsonl")]
gold = {row["id"]: row["answer"] for row in map(json.loads, open("questions.jsonl"))}
right = [row["completion"].strip() == gold[row["id"]] for row in rows]
json.dump({"score": sum(right) / len(right)}, open("metrics.json", "w"))
"""
YES_NO: tuple[Row, ...] = tuple(
    {
        "id": f"f{i:02d}",
        "question": f"Is {i} times {i + 3} even?",
        "answer": "no" if i % 3 else "yes",
        "slips": "yes" if i % 3 else "no",
    }
    for i in range(24)
)
F1 = """
import json
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
def f1(label):
    said = {row["id"] for row in rows if answers[row["id"]].strip() == label}
    held = {row["id"] for row in rows if row["answer"] == label}
    return 2 * len(said & held) / ((len(said) + len(held)) or 1)
json.dump({"score": (f1("yes") + f1("no")) / 2}, open("metrics.json", "w"))
"""
STORIES: tuple[Row, ...] = tuple(
    {
        **row,
        "question": f"{row['question']} (story {i})",
        "story": f"Long ago {row['answer']} was founded in that province.",
    }
    for i, row in enumerate(WORDS)
)
RESULTS = """
with open("results.jsonl", "w") as out:
    for row, one in zip(rows, right):
        out.write(json.dumps({"id": row["id"], "reward": int(one)}) + "\\n")
"""


def shaped(name: str, what: str, score: float, **other: object) -> Case:
    """A healthy target."""
    return Case(name=name, what=what, score=score, **other)


def graded(*pairs: tuple[str, str]) -> dict[str, str]:
    return {"grade.py": swap(GRADE, *pairs)}


def run(*pairs: tuple[str, str]) -> dict[str, str]:
    return {"run.py": swap(RUN, *pairs)}


HEALTHY = [
    shaped("own_commands", "asks and grades with commands of its own", 0.75),
    shaped(
        "percent_metric",
        "the score is a percentage",
        75.0,
        files=graded((SCORE, "100 * sum(right) / len(rows)")),
        contract=contract(metric={"name": "accuracy", "unit": "percent", "range": [0, 100]}),
    ),
    shaped(
        "error_rate",
        "less is better",
        0.25,
        files=graded((SCORE, "1 - sum(right) / len(rows)")),
        contract=contract(metric={"name": "error_rate", "direction": "minimize"}),
    ),
    shaped(
        "rewards_below_zero",
        "+1 for a right answer and -1 for a wrong one",
        0.5,
        files=graded((SCORE, "sum(1 if one else -1 for one in right) / len(rows)")),
        contract=contract(metric={"name": "reward", "range": [-1, 1], "chance": -1}),
    ),
    shaped(
        "nested_metric",
        "the number stands deep in a document among others",
        0.75,
        files=graded(
            ('{"score": score}', '{"results": {"all": {"acc": score, "n": 12}}, "loss": 3.2}'),
            ('"metrics.json"', '"out/eval.json"'),
        ),
        contract=contract(
            metric={"path": "results.all.acc"},
            evaluate={"commands": ["mkdir -p out && python3 grade.py"], "metrics_path": "out/eval.json"},
        ),
    ),
    shaped(
        "metric_on_stdout",
        "the grader prints its number among others",
        0.75,
        files=graded(
            (
                'with open("metrics.json", "w") as out:\n    json.dump({"score": score}, out)',
                "print('step 1: accuracy 0.10')\nprint(f'final accuracy: {score:.4f}')\nprint('in 0.3 s')",
            )
        ),
        contract=contract(evaluate={"source": "stdout", "pattern": r"final accuracy: (?P<score>[0-9.]+)"}),
    ),
    shaped(
        "one_command",
        "one command asks and judges",
        0.75,
        files={"all.py": RUN + GRADE},
        contract={
            **CONTRACT,
            "stages": {"benchmark": {"commands": ["python3 all.py"]}},
        },
    ),
    shaped(
        "evaluate_only",
        "Honing asks, the target judges",
        0.75,
        files={"judge.py": JUDGE, QUESTIONS: jsonl(ROWS)},
        contract={
            "schema": 1,
            "task": TASK,
            "stages": {
                "rollout": {"samples": "samples.jsonl"},
                "evaluate": {"commands": ["python3 judge.py"]},
            },
        },
    ),
    shaped(
        "rollout_only",
        "the target asks, Honing judges",
        0.75,
        contract={"schema": 1, "task": TASK, "stages": {"rollout": {"commands": ["python3 run.py"]}}},
    ),
    shaped(
        "per_sample_results",
        "the target says of each sample whether it is right",
        0.75,
        files={"grade.py": GRADE + RESULTS},
        contract=contract(evaluate={"results": {"path": "results.jsonl"}}),
    ),
    shaped(
        "slow",
        "every stage takes its time",
        0.75,
        files={
            "run.py": "import time\ntime.sleep(0.7)\n" + RUN,
            "grade.py": "import time\ntime.sleep(0.7)\n" + GRADE,
        },
    ),
    shaped(
        "writes_much",
        "leaves logs, caches and folders",
        0.75,
        files={
            "run.py": RUN + "\nos.makedirs('logs/deep')\nfor i in range(50):\n"
            "    open(f'logs/deep/{i}.txt', 'w').write('x' * i)\n"
            "os.makedirs('__pycache__')\nopen('__pycache__/run.pyc', 'wb').write(b'\\0')\n"
        },
    ),
    shaped(
        "writes_programs",
        "keeps each answer as a Python file in a folder of its own",
        0.75,
        files={
            "run.py": RUN + "\nos.makedirs('made')\nfor name, text in answers.items():\n"
            "    open(f'made/{name}.py', 'w').write(f'print({text!r})')\n"
        },
    ),
    shaped(
        "noisy",
        "prints megabytes, colours and broken bytes",
        0.75,
        files={
            "run.py": "import sys\nsys.stdout.buffer.write(b'\\x1b[31m\\xff progress\\r' * 100000)\n" + RUN,
            "grade.py": "import sys\nsys.stderr.write('warning: deprecated \\u2603\\n' * 20000)\n" + GRADE,
        },
    ),
    shaped(
        "letters_of_many_scripts",
        "questions, golds and file names beyond ASCII",
        0.75,
        rows=tuple(
            {
                "id": f"u{i}",
                "question": f"Wie heißt die {i + 1}. Stadt? 第{i}市\u2009—\u00a0Ωmega",
                "answer": f"Zü{chr(0x4E00 + i)}ñ{i}",
            }
            for i in range(8)
        ),
        contract=contract(
            evaluate={
                "commands": ["mkdir 'Größe ü' && python3 grade.py && mv metrics.json 'Größe ü/zahl.json'"],
                "metrics_path": "Größe ü/zahl.json",
            }
        ),
    ),
    shaped(
        "works_below",
        "commands run in a folder below, in two steps",
        0.75,
        files={"sub/first.sh": "cp ../questions.jsonl .\n"},
        contract=contract(
            rollout={"commands": ["sh first.sh", "python3 ../run.py"], "workdir": "sub"},
            evaluate={"commands": ["python3 ../grade.py"], "workdir": "sub"},
        ),
    ),
    shaped(
        "leaves_a_daemon",
        "the grader leaves a process that writes another result later",
        0.75,
        contract=contract(
            evaluate={
                "commands": [
                    "(while ! grep -q score metrics.json; do sleep 0.05; done; sleep 1; "
                    "echo '{\"score\": 1.0}' > metrics.json) > /dev/null 2>&1 & python3 grade.py"
                ]
            }
        ),
    ),
    shaped(
        "drafts_first",
        "asks twice for each task and keeps the second answer",
        0.75,
        files=run(('ask("Q: "', 'ask("Think about: " + row["question"]) and ask("Q: "')),
        slip=Slip.OTHER,
    ),
    shaped(
        "shows_examples",
        "other questions and their answers stand before each question",
        0.75,
        files=run(
            (
                'ask("Q: " + row["question"] + " A:")',
                'ask("Q: " + row["question"] + " A:", {"role": "system", "content": "Be brief."}, '
                '{"role": "user", "content": "Q: 1 plus 1? A:"}, {"role": "assistant", "content": "2"})',
            )
        ),
    ),
    shaped(
        "macro_f1",
        "the mean of two classes' F1, no share of right answers",
        0.7333333333333334,
        rows=YES_NO,
        files={"grade.py": F1},
        contract=contract(metric={"name": "macro_f1", "chance": 0.4}),
    ),
    shaped(
        "reading",
        "each prompt holds a story in which the answer stands",
        0.75,
        rows=STORIES,
        files=run(('"Q: " + row["question"]', 'row["story"] + " Q: " + row["question"]')),
    ),
    shaped(
        "lenient",
        "right where the answer holds the gold as a word",
        0.75,
        files=graded((VERDICT, 'row["answer"] in answers[row["id"]].split()')),
    ),
    shaped(
        "old_result_is_replaced",
        "an old result lies there and the grader writes a new one",
        0.75,
        files={"metrics.json": '{"score": 0.1}'},
    ),
    shaped(
        "may_write",
        "the rollout updates a file that the contract lets it write",
        0.75,
        files={
            **run(
                (
                    'with open("answers.json", "w")',
                    "open('log.txt', 'a').write('again\\n')\nwith open(\"answers.json\", \"w\")",
                )
            ),
            "log.txt": "first\n",
        },
        contract=contract(rollout={"writes": ["log.txt"]}),
    ),
    shaped(
        "all_stages",
        "auth, bootstrap, tests, deploy and teardown",
        0.75,
        contract=contract(
            stages={
                "auth": {"commands": ["true"]},
                "bootstrap": {"commands": ["echo ready > ready.txt"], "network": "none"},
                "tests": {"commands": ["test -f ready.txt"]},
                "deploy": {
                    "setup": {"commands": ["echo up"]},
                    "health": {"commands": ["test -f ready.txt"]},
                    "teardown": {"commands": ["echo down"]},
                },
            }
        ),
    ),
    shaped(
        "caches_its_own",
        "asks again what it has asked already only once, by a cache of its own",
        0.75,
        files=run(
            (
                ANSWERS,
                "seen = {}\ndef once(text):\n    if text not in seen:\n        seen[text] = ask(text)\n"
                "    return seen[text]\n"
                'answers = {row["id"]: once(row["question"]) and once(row["question"]) for row in rows}',
            )
        ),
    ),
    shaped(
        "tries_again",
        "a call fails at first; the target tries it again, and it works",
        0.75,
        slip=Slip.STUMBLE,
        files=run(
            (
                ANSWERS,
                "def patient(text):\n    try:\n        return ask(text)\n"
                "    except Exception:\n        return ask(text)\n"
                'answers = {row["id"]: patient(row["question"]) for row in rows}',
            )
        ),
    ),
]
