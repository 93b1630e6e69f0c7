"""Names of the precisions in which networks compute."""

from typing import Literal

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""32 bits; or matrix products and convolutions in 16 bits, of bfloat16 or of float16, and everything else in 32."""

FULL: Precision = "32-true"
