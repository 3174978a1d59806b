"""How long to leave a server alone that did not answer."""

from typing import Final

BASE_SECONDS: Final = 0.05
CAP_SECONDS: Final = 2.0


def backoff(failures: int, *, chance: float, base: float = BASE_SECONDS, cap: float = CAP_SECONDS) -> float:
    """Tell the seconds to wait after so many failures in a row (from 1).

    Doubles from `base` up to `cap`; `chance`, from 0 to 1, spreads the upper half, so that many processes do
    not come back as one.
    """
    full = min(cap, base * 2.0 ** min(failures - 1, 30))
    return full * (0.5 + 0.5 * chance)
