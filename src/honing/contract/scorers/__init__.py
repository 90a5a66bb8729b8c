"""Judges of completions, one file each."""

from honing.contract.scorers.base import Row, ScoreDetail, Scorer, ScoreStatus
from honing.contract.scorers.choice import ChoiceScorer
from honing.contract.scorers.code import CodeLimits, CodeScorer
from honing.contract.scorers.judge_model import JudgeModelScorer
from honing.contract.scorers.numeric import NumericScorer
from honing.contract.scorers.scripted import ScriptedScorer
from honing.contract.scorers.text import TextScorer

__all__ = [
    "ChoiceScorer",
    "CodeLimits",
    "CodeScorer",
    "JudgeModelScorer",
    "NumericScorer",
    "Row",
    "ScoreDetail",
    "ScoreStatus",
    "Scorer",
    "ScriptedScorer",
    "TextScorer",
]
