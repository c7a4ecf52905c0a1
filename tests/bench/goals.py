"""What was to be reached, and whether it was."""

import dataclasses
import math
import statistics

from measures import BASE, half_quartiles, spread

OURS = "luksdetached"

# With a larger A/A spread the machine was busy with something else: it excuses nothing.
BUSY = 0.1
ROOFLINE = "AES units"


@dataclasses.dataclass(frozen=True)
class Goal:
    """`of`, as a multiple of `to` in the same round (a difference where `less` is set, itself without a `to`)."""

    what: str
    measures: tuple[str, ...]  # each has to reach it
    of: str
    to: str | None
    at_least: float | None = None
    at_most: float | None = None
    less: bool = False


@dataclasses.dataclass(frozen=True)
class Verdict:
    goal: Goal
    median: float
    low: float
    high: float
    spread: float | None
    margin: float  # with the spread; below 0: missed by so much

    @property
    def reached(self):
        return self.margin >= 0 and not self.too_noisy

    @property
    def only_by_spread(self):
        return self.margin >= 0 and self.margin < (self.spread or 0)

    @property
    def too_noisy(self):
        return self.only_by_spread and self.spread > BUSY


def sectors(size):
    return tuple(f"kernels/AES-256-XTS, {size} B sectors, {way}, 128 KiB" for way in ("encrypt", "decrypt"))


READS = ("end-to-end/sequential read, 1 connection", "end-to-end/sequential read, 4 connections")
WRITE = ("end-to-end/sequential write, 4 connections",)
RANDOM = tuple(
    f"end-to-end/4 KiB random {what}, QD{depth}" for depth in (1, 32) for what in ("read", "write")
)  # fmt: skip
QD32 = RANDOM[2:]
CPU = ("end-to-end/server CPU for 1 GiB, sequential read, 1 connection",)
PBKDF2_LUKS2 = ("unlock/PBKDF2-SHA256 with 1000000 iterations, LUKS2",)
PBKDF2_LUKS1 = ("unlock/PBKDF2-SHA256 with 1000000 iterations, LUKS1",)
ARGON2 = ("unlock/Argon2id with 1024 MiB, LUKS2",)
FIRST_BYTE = ("start/first byte served",)
IDLE_MEMORY = ("start/resident memory, 16 connections idle",)

GOALS = [
    Goal("AES-256-XTS, 4096 B sectors, against the AES units", sectors(4096), OURS, ROOFLINE, at_least=0.85),
    Goal("AES-256-XTS, 512 B sectors, against the AES units", sectors(512), OURS, ROOFLINE, at_least=0.70),
    *(
        Goal(f"AES-256-XTS, {size} B sectors, against {peer}", sectors(size), OURS, peer, at_least=times)
        for size, peers in (
            (512, {"libgcrypt": 1.8, "OpenSSL": 3, "Crypto++": 8}),
            (4096, {"libgcrypt": 1.3, "OpenSSL": 1.8, "Crypto++": 8}),
        )
        for peer, times in peers.items()
    ),
    *(Goal(f"{one.partition('/')[2]}, against {BASE}", (one,), OURS, BASE, at_least=0.90) for one in READS),
    Goal(f"{WRITE[0].partition('/')[2]}, against {BASE}", WRITE, OURS, BASE, at_least=0.85),
    *(Goal(f"{one.partition('/')[2]}, against {BASE}", (one,), OURS, BASE, at_least=0.95) for one in RANDOM),
    Goal(f"server CPU for 1 GiB, sequential read, 1 connection, against {BASE}", CPU, OURS, BASE, at_most=1.30),
    Goal("sequential read, against nbdkit's luks filter", READS, OURS, "nbdkit luks filter", at_least=1.8),
    Goal("sequential write, against nbdkit's luks filter", WRITE, OURS, "nbdkit luks filter", at_least=3.5),
    Goal("sequential read, against qemu-nbd luks", READS, OURS, "qemu-nbd luks", at_least=2.7),
    Goal("sequential write, against qemu-nbd luks", WRITE, OURS, "qemu-nbd luks", at_least=3.5),
    Goal("4 KiB random, QD32, against qemu-nbd luks", QD32, OURS, "qemu-nbd luks", at_least=2.5),
    Goal("unlock, PBKDF2-SHA256, times faster than cryptsetup", PBKDF2_LUKS2, "cryptsetup", OURS, at_least=5),
    Goal("unlock, PBKDF2-SHA256, times faster than QEMU", PBKDF2_LUKS1, "QEMU", OURS, at_least=2),
    Goal("unlock, Argon2id with 1 GiB, times faster than cryptsetup", ARGON2, "cryptsetup", OURS, at_least=1.2),
    Goal("start to first byte served, ms", FIRST_BYTE, OURS, None, at_most=30),
    Goal(f"resident memory, 16 connections idle, MiB more than {BASE}", IDLE_MEMORY, OURS, BASE, at_most=8, less=True),
]


def values(goal, measure):
    if goal.to is None:
        return measure.samples[goal.of]
    if goal.less:
        return [mine - theirs for mine, theirs in zip(measure.samples[goal.of], measure.samples[goal.to])]
    return measure.ratios(goal.of, goal.to)


def judge_one(goal, measure):
    """A goal is reached when the median is there, or nearer than the A/A spread."""
    found = values(goal, measure)
    median = statistics.median(found)
    is_ratio = goal.to is not None and not goal.less
    tolerance = spread(measure) if is_ratio else None
    margin = (median - goal.at_least if goal.at_least is not None else goal.at_most - median) + (tolerance or 0)
    return Verdict(goal, median, min(found), max(found), tolerance, margin)


def judge(goal, measures):
    """The worst verdict of the goal's measures; None where one of them was not taken."""
    taken = [measures.by_name.get(name) for name in goal.measures]
    if any(one is None or any(who not in one.samples for who in (goal.of, goal.to) if who) for one in taken):
        return None
    return min((judge_one(goal, one) for one in taken), key=lambda verdict: verdict.margin)


def verdicts(measures):
    found = (judge(goal, measures) for goal in GOALS)
    return [verdict for verdict in found if verdict is not None]


# ---- two runs ----

LEAST_TOLERANCE = 0.03
LEAST_ROUNDS = 3  # fewer do not show how much they scatter
USUAL_ROUNDS = 15


@dataclasses.dataclass(frozen=True)
class Change:
    """How what a goal looks at came out in two runs."""

    name: str
    of: str
    to: str
    old: float
    new: float
    tolerance: float  # relative
    rounds: int  # of the run that has fewer
    worse: bool

    @property
    def says_nothing(self):
        """Half as fast would not be noticed, or it would be noticed where nothing is."""
        return self.tolerance >= 0.5 or self.rounds < LEAST_ROUNDS


def tolerance_of(measure, goal):
    """What the median of a ratio may be off by, relative to it; more where there were fewer rounds than usual."""
    ratios = measure.ratios(goal.of, goal.to)
    scatter = max(spread(measure) or 0, half_quartiles(ratios) / statistics.median(ratios))
    return scatter * max(1, math.sqrt(USUAL_ROUNDS / len(ratios)))


def compare(old, new):
    """The ratios that the goals are about, wherever both runs have them; no times, which are the machine's."""
    changes = []
    for goal in GOALS:
        if goal.to is None and goal.measures == FIRST_BYTE:
            goal = dataclasses.replace(goal, to=BASE)
        for name in goal.measures:
            both = [run.by_name.get(name) for run in (old, new)]
            if any(one is None or goal.of not in one.samples or goal.to not in one.samples for one in both):
                continue
            before, after = (statistics.median(one.ratios(goal.of, goal.to)) for one in both)
            tolerance = max(LEAST_TOLERANCE, 2 * max(tolerance_of(one, goal) for one in both))
            grown = after / before - 1
            rounds = min(len(one.samples[goal.of]) for one in both)
            worse = grown < -tolerance if goal.at_least is not None else grown > tolerance
            changes.append(
                Change(name, goal.of, goal.to, before, after, tolerance, rounds, worse and rounds >= LEAST_ROUNDS)
            )
    return changes
