"""What a candidate passes before it is run: everything is read from two trees, nothing is taken on trust.

See docs/harness-gate.md.
"""

from honing.harness.gate.passing import gate
from honing.harness.gate.refusal import Refusal
from honing.harness.gate.tampering import secret_holders
from honing.harness.gate.touched import MANIFEST, MANIFEST_BEFORE, RESERVED, left_out

__all__ = ["MANIFEST", "MANIFEST_BEFORE", "RESERVED", "Refusal", "gate", "left_out", "secret_holders"]
