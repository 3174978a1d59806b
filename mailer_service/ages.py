"""Ages as an operator types them."""

import argparse
import re
from datetime import timedelta
from typing import Final

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def age(text: str) -> timedelta:
    """Read 90s, 5m, 2h or 7d. Raises `ArgumentTypeError`, for argparse to tell."""
    if (found := re.fullmatch(r"(\d+)([smhd])", text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: write 90s, 5m, 2h or 7d")
    try:
        return timedelta(seconds=int(found[1]) * UNITS[found[2]])
    except (ValueError, OverflowError):  # more digits than int() reads, or longer than timedelta reaches
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is too long ago") from None
