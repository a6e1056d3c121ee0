"""`Finding`: one thing that an examination of a set-up found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How good it is: as it should be, worth a change, or in the way."""

    FINE = "fine"
    ADVICE = "advice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, what was seen, and what to do about it unless it is fine."""

    subject: str
    verdict: Verdict
    seen: str
    remedy: str | None = None
