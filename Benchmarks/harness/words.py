"""How figures are written in Markdown."""

from collections.abc import Sequence
from typing import Any

Summary = dict[str, Any]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def picture(title: str, file: str) -> list[str]:
    return [f"![{title}]({file})", ""]


def number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def median(value: Summary | None, digits: int, factor: float = 1, suffix: str = "") -> str:
    return number(value["median"] * factor, digits) + suffix if value else ""


def spread(value: Summary | None, digits: int, factor: float = 1) -> str:
    """The median, then the least and the most of it."""
    if not value:
        return ""
    middle, low, high = (number(value[key] * factor, digits) for key in ("median", "min", "max"))
    return f"{middle} ({low}–{high})"


def share(value: Summary | None) -> str:
    if not value or not value["max"]:
        return "0"
    return f"{value['median']:.2%} (≤ {value['max']:.2%})"


def count(number: int, thing: str) -> str:
    """1 turn, 2 turns; 1 address, 1,001 addresses."""
    return f"{number:,} {thing}" + ("" if number == 1 else "es" if thing.endswith("s") else "s")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def code(text: str, most: int = 200) -> str:
    """A line of a log, so that it stands in a table as it was."""
    text = " ".join(text.replace("`", "'").replace("|", "¦").split())
    return f"`{text if len(text) <= most else text[:most - 1] + '…'}`" if text else ""
