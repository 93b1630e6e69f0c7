"""The suite that every modality must pass: `check(MODALITY)` tells what to fix."""

from .check import LawResult as LawResult
from .check import check as check
from .check import findings as findings
