"""PromQL that several panels share. `$__rate_interval` is Grafana's: four scrapes at least."""

from typing import Final

WAITED_FOR: Final = 'template=~"otp_code|otp_and_link|magic_link|address_change_code"'
"""Mails that someone waits for, as the recording rules have them."""

ASKED: Final = 'type=~"porter[.]auth[.](otp|magic_link)_requested[.]v1"'
SIGN_IN: Final = 'route=~"/v1/registrations|/v1/login/.*|/register|/login.*"'


def rate(counter: str, *labels: str, where: str = "") -> str:
    """Give a counter's rate, summed by `labels`."""
    by = f" by ({', '.join(labels)})" if labels else ""
    chosen = f"{{{where}}}" if where else ""
    return f"sum{by} (rate({counter}{chosen}[$__rate_interval]))"


def increase(counter: str, *labels: str, where: str = "") -> str:
    """Give how much a counter grew, summed by `labels`."""
    return rate(counter, *labels, where=where).replace("(rate(", "(increase(")


def or_none(expr: str, label: str) -> str:
    """Show a flat `none` while a counter of rare things has nothing to show."""
    return f'{expr} or label_replace(vector(0), "{label}", "none", "", "")'


def quantile(share: float, histogram: str, *labels: str, where: str = "") -> str:
    """Estimate a quantile of a histogram by `labels`."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *labels, where=where)})"


def share(part: str, whole: str) -> str:
    """Give a part of a whole, 0 while the part has nothing to show."""
    return f"({part} or vector(0)) / {whole}"
