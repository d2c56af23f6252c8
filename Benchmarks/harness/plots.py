"""Plots as SVG, written by hand: no library to install."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {
    "direct": "#8a8a8a", "kernel rule": "#b8a04a", "floor": "#4a4a4a", "multihomed": "#d1342f",
    "multihomed, busy": "#f0938f", "nginx": "#2f8f4e", "envoy": "#7a4fc0", "socat": "#3a78c2",
}
WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 190, 44, 62


@dataclass(frozen=True)
class Scale:
    """From a value to a place on the page."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            value, low, high = math.log10(max(value, self.low)), math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return self.start + (value - low) / ((high - low) or 1) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            return [t for t in (10.0**n for n in range(first, last + 1)) if self.low <= t <= self.high * 1.0001]
        step = 10 ** math.floor(math.log10((self.high - self.low) or 1))
        step = next(step * part for part in (0.1, 0.2, 0.5, 1, 2, 5) if (self.high - self.low) / (step * part) <= 7)
        return [self.low + step * n for n in range(int((self.high - self.low) / step + 1e-9) + 1)]


Line = tuple[str, Sequence[tuple[float, float]]]


def lines(
    title: str, x_name: str, y_name: str, series: Sequence[Line], log_x: bool = True, log_y: bool = False,
    x_label: Callable[[float], str] | None = None, x_ticks: Sequence[float] | None = None,
) -> str:
    """Curves of several relays."""
    points = [point for _, each in series for point in each]
    if not points:
        return _page(title, [])
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x = Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, log_x)
    low = 10 ** math.floor(math.log10(min(y for y in ys if y > 0))) if log_y else 0.0
    y = Scale(low, max(ys) * 1.05, HEIGHT - BOTTOM, TOP, log_y)
    parts = _axes(x, y, x_name, y_name, x_label or short, x_ticks or x.ticks())
    for number, (name, each) in enumerate(series):
        colour = COLOURS.get(name, "#000000")
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in each)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(each) < 12:
            parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in each]
        parts += _legend(number, name, colour)
    return _page(title, parts)


Bars = tuple[str, Sequence[tuple[str, float, float, float]]]


def bars(title: str, y_name: str, groups: Sequence[Bars]) -> str:
    """Groups of bars: of each, a name, the median, and the spread."""
    names = list(dict.fromkeys(name for _, members in groups for name, *_ in members))
    if not names:
        return _page(title, [])
    high = max(most for _, members in groups for *_, most in members)
    y = Scale(0, high * 1.05, HEIGHT - BOTTOM, TOP)
    room = (WIDTH - RIGHT - LEFT) / len(groups)
    width = room * 0.85 / len(names)
    parts = _grid(y, y_name)
    for number, (group, members) in enumerate(groups):
        left = LEFT + number * room + room * 0.075
        parts += _wrapped(LEFT + (number + 0.5) * room, HEIGHT - BOTTOM + 18, group)
        for name, median, least, most in members:
            at, colour = left + names.index(name) * width, COLOURS.get(name, "#000000")
            parts.append(
                f'<rect x="{at:.1f}" y="{y(median):.1f}" width="{width * 0.9:.1f}" '
                f'height="{y(0) - y(median):.1f}" fill="{colour}"/>')
            middle = at + width * 0.45
            parts.append(_line(middle, y(least), middle, y(most), "#222222"))
    for number, name in enumerate(names):
        parts += _legend(number, name, COLOURS.get(name, "#000000"))
    return _page(title, parts)


def short(value: float) -> str:
    """1500 as 1.5k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _axes(
    x: Scale, y: Scale, x_name: str, y_name: str, x_label: Callable[[float], str], x_ticks: Sequence[float]
) -> list[str]:
    parts = _grid(y, y_name)
    for tick in x_ticks:
        parts.append(_line(x(tick), HEIGHT - BOTTOM, x(tick), HEIGHT - BOTTOM + 5, "#444444"))
        parts.append(_text(x(tick), HEIGHT - BOTTOM + 19, x_label(tick), "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_name, "middle"))
    return parts


def _grid(y: Scale, y_name: str) -> list[str]:
    parts = [_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#444444")]
    for tick in y.ticks():
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "#dddddd"))
        parts.append(_text(LEFT - 8, y(tick) + 4, short(round(tick, 6)), "end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(_text(18, middle, y_name, "middle", f' transform="rotate(-90 18 {middle:.0f})"'))
    return parts


def _legend(number: int, name: str, colour: str) -> list[str]:
    x, y = WIDTH - RIGHT + 18, TOP + 8 + number * 22
    return [f'<rect x="{x}" y="{y}" width="14" height="10" fill="{colour}"/>', _text(x + 20, y + 10, name)]


def _wrapped(x: float, y: float, text: str) -> list[str]:
    rows: list[str] = []
    for word in text.split():
        if rows and len(rows[-1]) + len(word) < 12:
            rows[-1] += " " + word
        else:
            rows.append(word)
    return [_text(x, y + 14 * number, row, "middle") for number, row in enumerate(rows)]


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _page(title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#222222">')
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    name = f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, ground, name, *parts, "</svg>"]) + "\n"
