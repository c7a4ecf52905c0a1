"""What was measured. A measure has a name, SECTION/WHAT, and the samples of those who did the same, one a round."""

import dataclasses
import random
import statistics

# Two servers that are the same: what these differ by is what a difference means nothing below.
BASE, AGAIN = "nbdkit file", "nbdkit file again"


@dataclasses.dataclass
class Measure:
    unit: str
    samples: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def ratios(self, who, to):
        """One to the other, round by round."""
        return [mine / theirs for mine, theirs in zip(self.samples[who], self.samples[to])]


def rounded(values):
    """Four digits are more than a measurement is good for."""
    return [float(f"{value:.4g}") for value in values]


class Measures:
    """All of them by their names."""

    def __init__(self, measures=None):
        self.by_name = measures or {}

    def add(self, name, unit, who, value):
        self.by_name.setdefault(name, Measure(unit)).samples.setdefault(who, []).append(value)

    def section(self, section):
        """Those of one section, by what they are called within."""
        return {
            name.removeprefix(f"{section}/"): measure
            for name, measure in self.by_name.items()
            if name.startswith(f"{section}/")
        }

    def to_json(self):
        return {
            name: {"unit": measure.unit, "samples": {who: rounded(values) for who, values in measure.samples.items()}}
            for name, measure in self.by_name.items()
        }

    @classmethod
    def from_json(cls, found):
        return cls({name: Measure(one["unit"], one["samples"]) for name, one in found.items()})


def shuffled(names, turn):
    """Another order in each round, the same in each run: what goes before may matter. The first one is as given."""
    order = list(names)
    if turn > 0:
        random.Random(turn).shuffle(order)
    return order


def half_quartiles(values):
    """Half of what the middle half of the values spans; with 15 of them twice the standard error of their median."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def spread(measure):
    """The A/A spread: how far from 1 the ratio of two that are the same may come out; None without such two."""
    if AGAIN not in measure.samples:
        return None
    ratios = measure.ratios(AGAIN, BASE)
    return max(abs(statistics.median(ratios) - 1), half_quartiles(ratios))
