"""Charts over time as inline SVG: lines with breaks where there is nothing, a grid with round numbers, and a hairline
for each fault, so that a peak and its cause stand above each other. Colours come from the page's style.
"""

import html
import math

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1040, 64, 12, 10, 26


def coordinate(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def text(x, y, words, anchor="middle", style="tick"):
    return f'<text class="{style}" x="{coordinate(x)}" y="{coordinate(y)}" text-anchor="{anchor}">' \
           f"{html.escape(words)}</text>"


def step_of(span, count):
    """A round step that cuts the span into about so many parts."""
    raw = max(span, 1e-9) / count
    size = 10 ** math.floor(math.log10(raw))
    return next(size * f for f in (1, 2, 2.5, 5, 10) if size * f >= raw * 0.999)


class Linear:
    """Values from 0 to a round number above the largest."""

    def __init__(self, largest):
        step = step_of(largest or 1, 4)
        self.largest = step * max(1, math.ceil((largest or 1) / step - 1e-9))
        self.ticks = [step * n for n in range(round(self.largest / step) + 1)]

    def share(self, value):
        return value / self.largest


class Decades:
    """Values in powers of ten, with 1, 2 and 5 marked."""

    def __init__(self, smallest, largest):
        marks = [m * 10**e for e in range(-1, 7) for m in (1, 2, 5)]
        low = max((m for m in marks if m <= smallest), default=marks[0])
        high = min((m for m in marks if m >= largest), default=marks[-1])
        self.ticks = [m for m in marks if low <= m <= high]
        if len(self.ticks) > 7:  # powers of ten are enough
            self.ticks = [m for m in self.ticks if round(math.log10(m), 6).is_integer()]
        self.low, self.span = math.log10(low), max(1e-9, math.log10(high) - math.log10(low))

    def share(self, value):
        return (math.log10(max(value, 1e-9)) - self.low) / self.span


class Frame:
    """What all charts of a page share: the axis of time and the faults."""

    def __init__(self, seconds, faults):
        self.seconds, self.faults = seconds, faults
        self.step = step_of(seconds / 60, 10)

    def x(self, seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds

    def axis(self, height):
        minutes = [self.step * n for n in range(int(self.seconds / 60 / self.step) + 1)]
        parts = [text(self.x(60 * m), height - 8, f"{m:g}") for m in minutes if self.x(60 * m) < WIDTH - RIGHT - 60]
        return parts + [text(WIDTH - RIGHT, height - 8, "minutes", "end")]

    def hairlines(self, height):
        return [f'<line class="fault {f["kind"]}" x1="{coordinate(self.x(f["begin"]))}" '
                f'x2="{coordinate(self.x(f["begin"]))}" y1="{TOP}" y2="{height - BOTTOM}"/>' for f in self.faults]

    def svg(self, height, label, parts):
        return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(label)}">' + \
               "".join(parts) + "</svg>"

    def lanes(self, names):
        """A row for each name, with a bar for each fault that it met."""
        height = TOP + 24 * len(names) + BOTTOM
        parts = []
        for row, name in enumerate(names):
            y = TOP + 24 * row
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y + 12}" y2="{y + 12}"/>')
            parts.append(text(LEFT - 10, y + 16, name, "end", "name"))
            for fault in self.faults:
                if fault["target"] == name:
                    begin, end = self.x(fault["begin"]), self.x(fault["end"])
                    parts.append(
                        f'<rect class="fault {fault["kind"]}" x="{coordinate(begin)}" y="{y + 4}" height="16" rx="2" '
                        f'width="{coordinate(max(3, end - begin))}"><title>{html.escape(told(fault))}</title></rect>')
        return self.svg(height, "faults", parts + self.axis(height))

    def lines(self, label, scale, unit, series, height=210, gap=None):
        """`series`: (style, points), each point (seconds, value); a longer gap between two breaks the line."""
        inside = height - TOP - BOTTOM

        def y(value):
            return TOP + inside * (1 - min(1.0, max(0.0, scale.share(value))))
        parts = []
        for tick in scale.ticks:
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{coordinate(y(tick))}" '
                         f'y2="{coordinate(y(tick))}"/>')
            parts.append(text(LEFT - 10, y(tick) + 4, unit(tick), "end"))
        parts += self.hairlines(height)
        for style, points in series:
            path, before = "", None
            for seconds, value in points:
                move = before is None or (gap is not None and seconds - before > gap)
                place = f"{coordinate(self.x(seconds))} {coordinate(y(value))}"
                path += f"M{place}h0" if move else f"L{place}"
                before = seconds
            parts.append(f'<path class="line {style}" d="{path}"/>')
        return self.svg(height, label, parts + self.axis(height))


def told(fault):
    """A fault in words."""
    words = {"kill": "killed", "disk": "killed, its disk lost", "leave": "stopped", "sleep": "asleep",
             "broker": "killed", "stuck": "ended by its watchdog", "died": "died"}[fault["kind"]]
    said = f"{fault['target']} {words} for {fault['end'] - fault['begin']:.1f} s"
    return said + (f"; {fault['tasks']} tasks live again after {fault['taken']:.1f} s" if "taken" in fault else "")
