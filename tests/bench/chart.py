"""Bar charts as SVG, readable on light and on dark pages: the median as a bar, the range of all rounds as a line
across it. Each group of bars has its own scale."""

import dataclasses
import statistics
from xml.sax.saxutils import escape

WIDTH, LABELS, VALUES = 760, 190, 150  # the bars are between
BAR, GAP, HEADING = 14, 8, 30

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .heading { font-weight: 600; }
  .note, .value { fill: #57606a; font-size: 12px; }
  .ours { fill: #1f6feb; }
  .other { fill: #afb8c1; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  .axis { stroke: #d0d7de; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note, .value { fill: #9198a1; }
    .ours { fill: #4493f8; }
    .other { fill: #565d66; }
    .range { stroke: #e6edf3; }
    .axis { stroke: #3d444d; }
  }
"""


@dataclasses.dataclass(frozen=True)
class Group:
    """Bars under one heading."""

    heading: str
    samples: dict[str, list[float]]  # by label


def number(value):
    """Three digits, as people write them."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def bar(label, values, top, scale):
    median, low, high = statistics.median(values), min(values), max(values)
    kind = "ours" if label.startswith("luksdetached") else "other"
    middle = top + BAR / 2
    left = LABELS + 10
    return (
        f'  <text x="{LABELS}" y="{middle + 4:.0f}" text-anchor="end">{escape(label)}</text>\n'
        f'  <rect class="{kind}" x="{left}" y="{top}" width="{median * scale:.1f}" height="{BAR}" rx="2"/>\n'
        f'  <line class="range" x1="{left + low * scale:.1f}" x2="{left + high * scale:.1f}" '
        f'y1="{middle}" y2="{middle}"/>\n'
        f'  <text class="value" x="{left + max(median, high) * scale + 8:.1f}" y="{middle + 4:.0f}">'
        f"{number(median)} ({number(low)} to {number(high)})</text>\n"
    )


def chart(title, note, groups):
    """`note` says what the numbers are, and which way is better."""
    top, parts = 58, []
    for group in groups:
        parts.append(f'  <text class="heading" x="16" y="{top + 16}">{escape(group.heading)}</text>\n')
        top += HEADING
        first = top
        scale = (WIDTH - LABELS - VALUES - 10) / max(max(values) for values in group.samples.values())
        for label, values in group.samples.items():
            parts.append(bar(label, values, top, scale))
            top += BAR + GAP
        parts.append(f'  <line class="axis" x1="{LABELS + 10}" x2="{LABELS + 10}" y1="{first - 4}" y2="{top - 4}"/>\n')
        top += 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 10}" width="{WIDTH}" height="{top + 10}" '
        f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">\n'
        f"  <style>{STYLE}  </style>\n"
        f'  <text class="title" x="16" y="26">{escape(title)}</text>\n'
        f'  <text class="note" x="16" y="45">{escape(note)}</text>\n' + "".join(parts) + "</svg>\n"
    )
