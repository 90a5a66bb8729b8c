"""A finished measurement in other people's forms."""

from honing.contract.exports.base import Exported, Form
from honing.contract.exports.export import export_run

__all__ = ["Exported", "Form", "export_run"]
