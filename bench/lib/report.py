# SPDX-License-Identifier: ISC
"""From measurements to Markdown and SVG: medians, spreads, ratios, goals."""

import collections
import html
import statistics

PRODUCT = "todo-fcgi"


class Measured:
    """All that was measured, by name, workload, connections, and rate of the open loop."""

    def __init__(self, runs):
        self.runs = collections.defaultdict(list)
        for run in runs:
            self.runs[run["name"], run["workload"], run["connections"], run["open"]].append(run)

    def by_round(self, key, name, workload, connections=64, rate=0):
        """None: nothing was answered in that round."""
        return [run[key] for run in self.runs.get((name, workload, connections, rate), [])]

    def values(self, key, *place):
        return [value for value in self.by_round(key, *place) if value is not None]

    def median(self, key, *place):
        return middle(self.values(key, *place))

    def ratios(self, key, place, other):
        """Round by round, so that what slows the machine for a while divides out. A place is name,
        workload, connections, rate of the open loop."""
        pairs = zip(self.by_round(key, *place), self.by_round(key, *other))
        return [a / b for a, b in pairs if a is not None and b]

    def names(self):
        found = dict.fromkeys(name for name, *_ in self.runs)
        found.pop("pgbench", None)
        return list(found)


def middle(values):
    return statistics.median(values) if values else None


def spread(values, form=".3g"):
    """The median, and from least to most."""
    if not values:
        return "-"
    centre, least, most = (number(v, form) for v in (middle(values), min(values), max(values)))
    return centre if least == most else f"{centre} ({least}–{most})"


def number(value, form=".3g"):
    if value is None:
        return "-"
    text = f"{value:{form}}"
    return f"{value:,.0f}" if "e" in text else text


def rows(lines):
    heading, *others = lines
    rule = "|".join(["---", *["---:"] * (len(heading) - 1)])
    return "\n".join(["| " + " | ".join(heading) + " |", f"|{rule}|",
                      *("| " + " | ".join(line) + " |" for line in others)])


def workload_table(measured, workload, connections=64, rate=0):
    """One workload: everybody, with the ratio to the product."""
    lines = [["", "answers/s", "ratio to todo-fcgi", "app", "nginx", "database", "p50 ms", "p95 ms", "p99 ms",
              "failures"]]
    for name in measured.names():
        place = name, workload, connections, rate
        if not measured.values("rate", *place):
            continue
        lines.append([
            name, spread(measured.values("rate", *place)),
            spread(measured.ratios("rate", place, (PRODUCT, *place[1:]))),
            *(number(measured.median(key, *place)) for key in ("app", "web", "db", "p50")),
            spread(measured.values("p95", *place)), number(measured.median("p99", *place)),
            str(sum(measured.values("bad", *place)))])
    return rows(lines) if len(lines) > 1 else ""


def pgbench_table(measured):
    lines = [["statements", "a second", "ratio to the plain one", "database"]]
    for name, workload, *_ in measured.runs:
        if name != "pgbench":
            continue
        place = "pgbench", workload, 8
        plain = "pgbench", "plain " + workload.split()[1].rstrip(","), 8
        lines.append([workload, spread(measured.values("rate", *place)), spread(measured.ratios("rate", place, plain)),
                      number(measured.median("db", *place))])
    return rows(lines)


# ---- the plot

COLOURS = {"app": "#2f6fb7", "web": "#8fb8de", "db": "#d9903d"}
LEGEND = {"app": "application", "web": "nginx", "db": "database"}
WIDTH, LEFT, BAR = 900, 150, 18


class Drawing:
    def __init__(self):
        self.parts = []
        self.height = 20

    def text(self, x, y, words, anchor="start", size=12, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
                          f'font-weight="{weight}">{html.escape(words)}</text>')

    def bar(self, x, y, width, colour, height=BAR - 4):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}" '
                          f'fill="{colour}"/>')

    def whisker(self, left, right, y):
        self.parts.append(f'<path d="M{left:.1f} {y}H{right:.1f}" stroke="#222" stroke-width="1.5"/>')

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
                f'viewBox="0 0 {WIDTH} {self.height}" font-family="sans-serif">\n'
                f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def plot(measured):
    drawing = Drawing()
    for workload, title in (("L", "a list of 20 tasks"), ("M", "the mix")):
        cpu_bars(drawing, measured, workload, f"CPU seconds for 10,000 answers: {title}, 64 connections")
        rate_bars(drawing, measured, workload, f"answers a second: {title}, 64 connections (line: least to most)")
    return drawing.svg()


def contestants(measured, workload):
    return [name for name in measured.names() if measured.values("app", name, workload)]


def cpu_bars(drawing, measured, workload, title):
    names = contestants(measured, workload)
    if not names:
        return
    used = {name: {key: measured.median(key, name, workload) for key in COLOURS} for name in names}
    scale = (WIDTH - LEFT - 90) / max(sum(one.values()) for one in used.values())
    head(drawing, title)
    x = WIDTH - 270
    for key, colour in COLOURS.items():
        drawing.bar(x, drawing.height - 14, 12, colour, 10)
        drawing.text(x + 16, drawing.height - 5, LEGEND[key], size=11)
        x += 90
    drawing.height += 8
    for name in names:
        drawing.text(LEFT - 8, drawing.height + 11, name, "end")
        x = LEFT
        for key, colour in COLOURS.items():
            drawing.bar(x, drawing.height, used[name][key] * scale, colour)
            x += used[name][key] * scale
        drawing.text(x + 6, drawing.height + 11, f"{sum(used[name].values()):.2f}", size=11)
        drawing.height += BAR
    drawing.height += 20


def rate_bars(drawing, measured, workload, title):
    names = contestants(measured, workload)
    if not names:
        return
    scale = (WIDTH - LEFT - 90) / max(max(measured.values("rate", name, workload)) for name in names)
    head(drawing, title)
    drawing.height += 8
    for name in names:
        values = measured.values("rate", name, workload)
        drawing.text(LEFT - 8, drawing.height + 11, name, "end")
        drawing.bar(LEFT, drawing.height, statistics.median(values) * scale, COLOURS["app"])
        drawing.whisker(LEFT + min(values) * scale, LEFT + max(values) * scale, drawing.height + 7)
        drawing.text(LEFT + max(values) * scale + 6, drawing.height + 11, f"{statistics.median(values):,.0f}", size=11)
        drawing.height += BAR
    drawing.height += 20


def head(drawing, title):
    drawing.height += 16
    drawing.text(20, drawing.height - 4, title, size=13, weight="bold")
