"""Contracts that targets bring in other forms than ours, read as they are."""

from honing.contract.readers.base import Foreign, ForeignGap, Note
from honing.contract.readers.foreign import read_foreign

__all__ = ["Foreign", "ForeignGap", "Note", "read_foreign"]
