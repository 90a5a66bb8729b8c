"""Faults of graders: the number does not say how many answers are right."""

from __future__ import annotations

from case import Case, Slip
from pieces import GRADE, ROWS, SCORE, VERDICT, WORDS, contract, swap, uncalibrated


def verdict(name: str, what: str, said: str, replaced: str, **other: object) -> Case:
    """A grader with another comparison."""
    return Case(
        name=name, what=what, said=said, files={"grade.py": swap(GRADE, (VERDICT, replaced))}, **other
    )


def score(name: str, what: str, said: str, replaced: str, **other: object) -> Case:
    """A grader that makes another number of right verdicts."""
    return Case(name=name, what=what, said=said, files={"grade.py": swap(GRADE, (SCORE, replaced))}, **other)


ALWAYS = uncalibrated(r"null: scored 1\b.*answer without knowledge")
NEVER = uncalibrated(r"oracle: scored 0\b.*the gold itself must score")
TOO_LOW = uncalibrated(r"oracle: scored 0\.\d+.*the gold itself must score")
TALK_WINS = uncalibrated(r"talk: scored 0\.5")
NOT_THE_SHARE = uncalibrated(r"half: scored .*half of the answers are right")

VERDICTS = [
    verdict("always_right", "every answer is right", ALWAYS, "True"),
    verdict("ignores_answers", "the gold is compared with itself", ALWAYS, 'row["answer"] == row["answer"]'),
    verdict(
        "answer_with_itself",
        "the answer is compared with itself",
        ALWAYS,
        'answers[row["id"]] == answers[row["id"]]',
    ),
    verdict(
        "case_bug",
        "the answer is lowered and the gold is not",
        NEVER,
        'answers[row["id"]].lower() == row["answer"]',
        rows=WORDS,
    ),
    verdict(
        "strip_bug",
        "the gold keeps its line break",
        NEVER,
        'answers[row["id"]].strip() == row["answer"] + "\\n"',
    ),
    verdict(
        "type_bug",
        "a number is compared with a text",
        NEVER,
        'answers[row["id"]].strip() == int(row["answer"])',
    ),
    verdict(
        "ids_off_by_one",
        "each answer is compared with the next row's gold",
        NEVER,
        'answers[row["id"]].strip() == rows[(rows.index(row) + 1) % len(rows)]["answer"]',
    ),
    verdict(
        "gold_holds_answer",
        "right where the answer is part of the gold: an empty one always is",
        ALWAYS,
        'answers[row["id"]].strip() in row["answer"]',
    ),
    verdict(
        "keyword_score",
        "right where the answer holds a digit",
        uncalibrated(r"shuffled: scored 1\b"),
        'any(mark.isdigit() for mark in answers[row["id"]])',
    ),
    verdict(
        "length_score",
        "right where the answer is as long as the gold",
        uncalibrated(r"shuffled: scored 1\b"),
        'len(answers[row["id"]].strip()) == len(row["answer"])',
    ),
    verdict(
        "first_letter",
        "only the first letter is compared",
        uncalibrated(r"shuffled: scored 1\b"),
        'answers[row["id"]].strip()[:1] == row["answer"][:1]',
    ),
    verdict(
        "exit_code_score",
        "right where a program that is given the answer exits with 0",
        ALWAYS,
        '__import__("subprocess").run(["echo", answers[row["id"]]], stdout=-3).returncode == 0',
    ),
    verdict(
        "invalid_is_invalid",
        "the extractor finds [invalid] in answer and gold alike",
        ALWAYS,
        '(lambda text: "[invalid]")(answers[row["id"]]) == (lambda text: "[invalid]")(row["answer"])',
    ),
    verdict(
        "any_gold_will_do",
        "right where the answer is the gold of any row",
        uncalibrated(r"shuffled: scored 1\b"),
        'answers[row["id"]].strip() in [other["answer"] for other in rows]',
    ),
    verdict(
        "believes_the_model",
        "right as well where the answer says that it is correct",
        TALK_WINS,
        'answers[row["id"]].strip() == row["answer"] or "correct" in answers[row["id"]].lower()',
    ),
    verdict(
        "first_row_only",
        "the first row's verdict stands for all",
        NOT_THE_SHARE,
        'answers[rows[0]["id"]].strip() == rows[0]["answer"]',
    ),
    verdict(
        "flips_verdicts",
        "one verdict in five is thrown by dice",
        uncalibrated(r"(oracle|null|shuffled)"),
        '(answers[row["id"]].strip() == row["answer"]) != (__import__("random").random() < 0.2)',
    ),
    verdict(
        "judges_the_question",
        "the verdict depends on the length of the question",
        uncalibrated(r"(oracle|null|shuffled)"),
        'len(row["question"]) % 2 == 0',
    ),
]

SCORES = [
    score("flaky_score", "the score is thrown by dice", uncalibrated(r""), '__import__("random").random()'),
    score(
        "noise_in_the_middle",
        "noise that is nothing at 0 and 1",
        r"same answers",
        'sum(right) / len(rows) + __import__("random").uniform(-0.2, 0.2) * (0 < sum(right) < len(rows))',
    ),
    score(
        "clock_score",
        "the score is the fraction of the second",
        uncalibrated(r""),
        '__import__("time").time() % 1',
    ),
    score(
        "threshold",
        "1 where more than half are right, else 0",
        NOT_THE_SHARE,
        "float(sum(right) > len(rows) / 2)",
    ),
    score(
        "squared",
        "the share is squared, and called accuracy",
        NOT_THE_SHARE,
        "(sum(right) / len(rows)) ** 2",
    ),
    score(
        "counts_only_answered",
        "empty answers are not in the denominator",
        NOT_THE_SHARE,
        'sum(right) / max(1, sum(bool(answers[row["id"]]) for row in rows))',
        slip=Slip.EMPTY,
    ),
    score(
        "counts_only_right",
        "the denominator is the right ones",
        NOT_THE_SHARE,
        "sum(right) / max(1, sum(right))",
    ),
    score("denominator_of_another_set", "divides by 20 whatever there is", TOO_LOW, "sum(right) / 20"),
    score(
        "bonus",
        "a bonus lifts the score above its range",
        r"outside the declared range",
        "sum(right) / len(rows) + 0.2",
    ),
    score(
        "name_of_the_model",
        "a model of this name gets a bonus",
        uncalibrated(r"null: scored 0\.15"),
        'min(1, sum(right) / len(rows) + 0.15 * ("model" in __import__("os").environ["HONING_MODEL"]))',
    ),
    score("error_rate_called_accuracy", "the share of wrong answers", NEVER, "1 - sum(right) / len(rows)"),
    score(
        "percent_called_fraction",
        "75 where 0.75 is meant",
        r"outside the declared range \[0, 1\]",
        "100 * sum(right) / len(rows)",
    ),
    score(
        "fraction_called_percent",
        "0.75 where 75 is meant",
        uncalibrated(r"oracle: scored 1 over .*at least 0\.99 of the best value 100"),
        "sum(right) / len(rows)",
        contract=contract(metric={"unit": "percent", "range": [0, 100]}),
    ),
    score(
        "constant",
        "one half whatever is answered",
        uncalibrated(r"oracle: scored 0\.5|null: scored 0\.5"),
        "0.5",
    ),
    score(
        "constant_in_a_wide_range",
        "one half whatever is answered, near the best of a wide range",
        uncalibrated(r"(null: scored 0\.5|right and worthless answers differ by 0)"),
        "0.5",
        contract=contract(metric={"range": [-1000, 1], "chance": -1000}),
    ),
    score(
        "no_op_above_chance",
        "38 of 100 tasks count as done before anything is done",
        uncalibrated(r"null: scored 0\.38"),
        "0.38 + 0.62 * sum(right) / len(rows)",
    ),
    score(
        "swapped_direction",
        "an error rate that is declared to be maximised",
        NEVER,
        "1 - sum(right) / len(rows)",
        contract=contract(metric={"name": "error_rate"}),
    ),
]

GRADERS = [
    Case(
        name="wrong_split",
        what="the grader reads the golds of another split",
        said=NEVER,
        files={
            "grade.py": swap(GRADE, ("questions.jsonl", "train.jsonl")),
            "train.jsonl": "".join(
                f'{{"id": "{row["id"]}", "question": "?", "answer": "{900 + i}"}}\n'
                for i, row in enumerate(ROWS)
            ),
        },
    ),
    Case(
        name="header_off_by_one",
        what="the grader skips a header that the table does not have",
        said=NEVER,
        files={
            "grade.py": swap(
                GRADE,
                (
                    "answers = json.load",
                    "golds = [row['answer'] for row in rows][1:] + ['']\nanswers = json.load",
                ),
                (VERDICT, 'answers[row["id"]].strip() == golds[rows.index(row)]'),
            )
        },
    ),
    Case(
        name="missing_toolchain",
        what="the grader calls a program that is not there, and counts that as wrong",
        said=NEVER,
        files={
            "grade.py": swap(
                GRADE,
                (
                    "right = [",
                    "import subprocess\ndef same(a, b):\n    try:\n"
                    "        return subprocess.run(['mathcheck', a, b]).returncode == 0\n"
                    "    except OSError:\n        return False\nright = [",
                ),
                (VERDICT, 'same(answers[row["id"]], row["answer"])'),
            )
        },
    ),
    Case(
        name="grader_downloads",
        what="the grader fetches its answer key from the network",
        said=r"grade\.py.*(network|urlopen|URLError|resolution|Errno)",
        files={
            "grade.py": swap(
                GRADE,
                (
                    "rows = [",
                    "import urllib.request\nurllib.request.urlopen('http://answers.invalid/key')\nrows = [",
                ),
            )
        },
    ),
    Case(
        name="ran_no_test",
        what="test discovery in the wrong folder: no test ran, and that is taken for success",
        said=ALWAYS,
        contract=contract(
            evaluate={
                "commands": [
                    "mkdir -p tests && python3 -m unittest discover -s tests > log.txt 2>&1; "
                    "grep -qE '^(OK|NO TESTS RAN)' log.txt && echo '{\"score\": 1.0}' > metrics.json"
                ]
            }
        ),
    ),
    Case(
        name="swallows_its_own_crash",
        what="the grader crashes on every answer and counts that as wrong",
        said=NEVER,
        files={
            "grade.py": swap(
                GRADE,
                (
                    "right = [",
                    "def same(a, b):\n    try:\n        return a.stripped() == b\n    except Exception:\n"
                    "        return False\nright = [",
                ),
                (VERDICT, 'same(answers[row["id"]], row["answer"])'),
            )
        },
    ),
]

FAULTS = [*VERDICTS, *SCORES, *GRADERS]
