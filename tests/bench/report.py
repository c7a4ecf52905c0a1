"""What a run has found, as Markdown tables (which are also what a terminal gets) and charts."""

import json
import statistics

import chart
import goals
import measures as measured
from measures import AGAIN, BASE

# What the others of a section are compared with.
BASES = {"kernels": goals.ROOFLINE, "kdfs": "luksdetached", "end-to-end": BASE, "unlock": "cryptsetup", "start": BASE}


def number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(head, rows):
    """The first column is text, the others are numbers."""
    widths = [max(3, *(len(row[i]) for row in [head, *rows])) for i in range(len(head))]

    def line(cells):
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
        return "| " + " | ".join(padded) + " |\n"

    rule = "| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |\n"
    return line(head) + rule + "".join(map(line, rows))


def goals_table(measures):
    rows = []
    for verdict in goals.verdicts(measures):
        goal = verdict.goal
        bound = f"≥ {goal.at_least:g}" if goal.at_least is not None else f"≤ {goal.at_most:g}"
        spread = "" if verdict.spread is None else f"{verdict.spread:.3f}"
        rows.append([
            goal.what, number(verdict.median), f"{number(verdict.low)} to {number(verdict.high)}", spread, bound,
            "too noisy" if verdict.too_noisy else "**no**" if not verdict.reached
            else "by the spread" if verdict.only_by_spread else "yes",
        ])  # fmt: skip
    return table(["goal", "median", "range", "A/A spread", "bound", "reached"], rows) if rows else ""


def matrix(section, measures):
    """A row for each measure, a column for each of those who were measured: medians."""
    found = measures.section(section)
    everybody = list(dict.fromkeys(who for measure in found.values() for who in measure.samples))
    rows = [
        [
            what, measure.unit,
            *(number(statistics.median(measure.samples[who])) if who in measure.samples else "" for who in everybody),
        ]
        for what, measure in found.items()
    ]  # fmt: skip
    return table(["median", "unit", *everybody], rows)


def details(section, measures):
    """Everything of one section, with ranges, and ratios round by round."""
    base = BASES[section]
    parts = []
    for what, measure in measures.section(section).items():
        rows = []
        for who, values in measure.samples.items():
            row = [who, number(statistics.median(values)), f"{number(min(values))} to {number(max(values))}", "", ""]
            if base in measure.samples:
                ratios = measure.ratios(who, base)
                row[3:] = [f"{statistics.median(ratios):.3f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]
            rows.append(row)
        parts.append(
            f"**{what}**, {measure.unit}\n\n" + table(["", "median", "range", f"to {base}", "range"], rows)
        )
    return "\n".join(parts)


def tables(measures):
    """Each by its heading, those of which something was measured."""
    found = {"Goals": goals_table(measures)}
    for section, heading in (("kernels", "Sector ciphers"), ("kdfs", "Key derivation")):
        if measures.section(section):
            found[heading] = matrix(section, measures)
    for section, heading in (("end-to-end", "End to end"), ("unlock", "Unlock"), ("start", "Start and memory")):
        if measures.section(section):
            found[heading] = details(section, measures)
    return {heading: text for heading, text in found.items() if text}


# ---- charts ----


def groups(section, measures, choose):
    """A group of bars for each measure of the section whose name `choose` likes."""
    found = measures.section(section)
    return [
        chart.Group(what, {who: values for who, values in measure.samples.items() if who != goals.ROOFLINE})
        for what, measure in found.items()
        if choose(what)
    ]


def charts(measures):
    """Name, heading of its place on the page, and SVG of each that there is something for."""
    wanted = [
        ("aes-256-xts", "Sector ciphers", "AES-256-XTS, one core, runs of 128 KiB", "GB/s, more is better", "kernels",
         lambda what: what.startswith("AES-256-XTS") and what.endswith(", 128 KiB")),
        ("pbkdf2", "Key derivation", "PBKDF2", "million iterations/s, more is better", "kdfs",
         lambda what: "PBKDF2" in what),
        ("sequential", "End to end", "Sequential reads and writes over NBD", "MiB/s, more is better", "end-to-end",
         lambda what: what.startswith("sequential")),
        ("random", "End to end", "Random reads and writes over NBD", "1000 requests/s, more is better", "end-to-end",
         lambda what: "random" in what),
        ("cpu", "End to end", "What the server uses of the processors", "seconds, less is better", "end-to-end",
         lambda what: what.startswith("server CPU")),
        ("unlock", "Unlock", "From secret to volume key", "seconds, less is better", "unlock",
         lambda what: not what.startswith("CPU")),
        ("start", "Start and memory", "From start to first byte served", "ms, less is better", "start",
         lambda what: what.startswith("first byte")),
    ]  # fmt: skip
    for name, heading, title, note, section, choose in wanted:
        found = groups(section, measures, choose)
        if found:
            note = f"{note}; bars are medians, lines the range of all rounds; each group has its own scale"
            yield name, heading, chart.chart(title, note, found)


# ---- files ----


def numbers(info, measures):
    """All samples as JSON, with a line for each measure."""
    lines = [f'  "{key}": {json.dumps(value)},\n' for key, value in info.items()]
    found = [f"    {json.dumps(name)}: {json.dumps(one)}" for name, one in measures.to_json().items()]
    return "{\n" + "".join(lines) + '  "measures": {\n' + ",\n".join(found) + "\n  }\n}\n"


def page(info, measures):
    machine = info["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    spreads = [
        (what, measured.spread(measure))
        for what, measure in measures.section("end-to-end").items()
        if AGAIN in measure.samples
    ]
    largest = max(spreads, key=lambda one: one[1])
    drawn = {}
    for name, heading, _ in charts(measures):
        drawn.setdefault(heading, []).append(f"![{heading}](benchmarks/{name}.svg)\n")
    found = tables(measures)
    body = "".join(
        f"\n## {heading}\n\n" + "".join(f"{image}\n" for image in drawn.get(heading, [])) + text
        for heading, text in found.items()
    )
    return f"""# Benchmarks

One run of `tests/bench/run`, which has written this page, its charts and [the numbers](benchmarks.json).

| | |
| --- | --- |
| date | {machine["date"]}, {info["rounds"]} rounds, commit {machine["commit"]} |
| machine | {machine["cpu"]}, {machine["cores"]} cores, {machine["memory"]}, Linux {machine["kernel"]} |
| instructions | {" ".join(machine["features"])}; AES-XTS kernel: {info["kernel"]} |
| versions | {versions} |
| what is served | {info["mebibytes"]} MiB in a tmpfs, over a unix socket; servers and clients share the cores |

## How to read it

Absolute numbers are the machine's, and of the moment. What counts are ratios of what was measured in the same round, one beside
the other, in an order that changes with the round; the tables have the median of these ratios and their range. Sector ciphers and key
derivation are measured in every third round.

`{BASE}` serves the same bytes without encryption and is there twice. The *A/A spread* is how far from 1 the ratio of these two
comes out: the distance of its median from 1, or half of what the middle half of the rounds spans, whichever is more. What differs by
less is not different; a goal is reached when the median is there or misses it by less than that (*by the spread*). Here it is at most
{largest[1]:.3f} ({largest[0]}); where it is more than {goals.BUSY:g}, the machine was busy with something else: it excuses
nothing (*too noisy*), and the run is better repeated. Unlock and start have no such pair that says so.

- *AES units*: what the instruction for one AES round can do alone on one core, with all its units busy and nothing loaded or
  stored. No cipher can be faster.
- *kernel vaes*, *kernel aes-ni*, …: ours, those that this CPU has, and *kernel cryptopp*, the portable one. *luksdetached* is the
  one that was chosen.
- *128 KiB + 16*: as 128 KiB, but 16 bytes off the start of a cache line, as the buffers are that nbdkit reads into.
- Libraries get one sector at a time, as that is what they offer. Before anything is measured, its result is compared with ours.
- *luksdetached* end to end is LUKS2 with sectors of 4096 bytes and aes-xts-plain64 with 512 bits; the peers with LUKS have LUKS1,
  with the same cipher and sectors of 512 bytes. Before anything is measured, every server has returned what was written.
- *luksdetached serve* is the service with one export and its own number of threads; the other servers have nbdkit's default.
- *server CPU* is of all threads of the server, user and system.
- *Unlock* is of whole programs: `luksdetached test`, `cryptsetup open --test-passphrase`, and qemu-io, which has to unlock to read
  a sector. Ours has a thread for each of the two blocks of such a key; *CPU* is that of all threads. On a machine that is busy with
  other things a second thread gains less.
- *Start* is with key derivations of 1000 iterations, a millisecond or less. *Resident memory* is VmRSS: most of it are pages of
  programs and libraries, which processes share.

## How to run it

```
tests/bench/run                   # everything; writes this page: half an hour, on a machine that does nothing else
tests/bench/run --only kernels    # or kdfs, end-to-end, unlock, start: tables on the terminal, files in build/bench
tests/bench/run --quick           # a few rounds of everything, likewise
tests/bench/compare docs/benchmarks.json build/bench/benchmarks.json   # has a ratio become worse?
```

`compare` looks at ratios, never at times, and calls worse only what differs by more than both runs scatter, in three rounds or more.
Runs of different CPUs, and of a machine that was busy, tell it little. `run --output FOLDER` keeps a run where the next one does not
replace it; `run --threads N` has all servers work on so many requests of a connection at once.
{body}"""
