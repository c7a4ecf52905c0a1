#!/usr/bin/python3
"""Tests of what is made of the numbers: ratios, verdicts, comparisons of two runs, tables and charts."""

import json
import unittest
from xml.etree import ElementTree

import chart
import crypto
import goals
import measures
import report
from measures import AGAIN, BASE, Measure, Measures

READ = goals.READS[0]


def reads(ours, base, again=None, who="luksdetached"):
    """A run in which only sequential reads were measured."""
    samples = {BASE: base, who: ours}
    if again:
        samples[AGAIN] = again
    return Measures({READ: Measure("MiB/s", samples)})


def goal(**bounds):
    return goals.Goal("it", (READ,), "luksdetached", BASE, **bounds)


def family(number):
    return {"family_index": number, "per_family_instance_index": 0}


class Ratios(unittest.TestCase):
    def test_are_of_the_same_round(self):
        # The machine was twice as fast in the second round: that is no difference between the two.
        run = reads([50, 100], [100, 200])
        self.assertEqual(run.by_name[READ].ratios("luksdetached", BASE), [0.5, 0.5])

    def test_spread_is_the_distance_of_the_median_from_1(self):
        run = reads([1] * 5, [100] * 5, [96] * 5)
        self.assertAlmostEqual(measures.spread(run.by_name[READ]), 0.04)

    def test_spread_is_half_of_what_the_middle_half_spans(self):
        run = reads([1] * 5, [100] * 5, [80, 94, 100, 108, 130])
        self.assertAlmostEqual(measures.spread(run.by_name[READ]), 0.07)

    def test_without_a_second_base_there_is_no_spread(self):
        self.assertIsNone(measures.spread(reads([1], [1]).by_name[READ]))


class Verdicts(unittest.TestCase):
    def test_the_median_decides(self):
        self.assertTrue(goals.judge(goal(at_least=0.9), reads([10, 91, 200], [100] * 3)).reached)
        self.assertFalse(goals.judge(goal(at_least=0.9), reads([89, 89, 200], [100] * 3)).reached)

    def test_what_is_nearer_than_the_spread_is_reached(self):
        again = [98] * 3
        self.assertTrue(goals.judge(goal(at_least=0.9), reads([88.5] * 3, [100] * 3, again)).reached)
        self.assertTrue(goals.judge(goal(at_least=0.9), reads([88.5] * 3, [100] * 3, again)).only_by_spread)
        self.assertFalse(goals.judge(goal(at_least=0.9), reads([90.5] * 3, [100] * 3, again)).only_by_spread)
        self.assertFalse(goals.judge(goal(at_least=0.9), reads([87.5] * 3, [100] * 3, again)).reached)
        self.assertTrue(goals.judge(goal(at_most=1.3), reads([131.5] * 3, [100] * 3, again)).reached)
        self.assertFalse(goals.judge(goal(at_most=1.3), reads([132.5] * 3, [100] * 3, again)).reached)

    def test_the_spread_of_a_busy_machine_excuses_nothing(self):
        busy = goals.judge(goal(at_least=0.9), reads([85] * 3, [100] * 3, [80] * 3))
        self.assertTrue(busy.too_noisy)
        self.assertFalse(busy.reached)
        self.assertTrue(goals.judge(goal(at_least=0.9), reads([91] * 3, [100] * 3, [80] * 3)).reached)

    def test_a_difference_has_no_spread(self):
        more = goal(at_most=8, less=True)
        self.assertTrue(goals.judge(more, reads([20], [12], [6])).reached)
        self.assertFalse(goals.judge(more, reads([20.1], [12], [6])).reached)

    def test_the_worst_measure_decides(self):
        both = goals.Goal("it", goals.READS, "luksdetached", BASE, at_least=0.9)
        run = reads([95], [100])
        run.by_name[goals.READS[1]] = Measure("MiB/s", {BASE: [100], "luksdetached": [70]})
        self.assertEqual(goals.judge(both, run).median, 0.7)

    def test_what_was_not_measured_has_none(self):
        self.assertIsNone(goals.judge(goal(at_least=0.9), Measures()))
        self.assertIsNone(goals.judge(goal(at_least=0.9), reads([1], [1], who="somebody else")))


class Comparison(unittest.TestCase):
    def change(self, old, new):
        (change,) = goals.compare(old, new)[:1]
        return change

    def test_a_slower_machine_is_not_worse(self):
        self.assertFalse(self.change(reads([90] * 3, [100] * 3), reads([45] * 3, [50] * 3)).worse)

    def test_a_smaller_ratio_is_worse(self):
        self.assertTrue(self.change(reads([90] * 3, [100] * 3), reads([85] * 3, [100] * 3)).worse)

    def test_a_larger_ratio_is_not_worse(self):
        self.assertFalse(self.change(reads([90] * 3, [100] * 3), reads([99] * 3, [100] * 3)).worse)

    def test_runs_that_scatter_are_not_worse(self):
        again = [80, 90, 100, 110, 120]
        scattering = reads([90] * 5, [100] * 5, again)
        self.assertFalse(self.change(scattering, reads([65] * 5, [100] * 5)).worse)
        self.assertTrue(self.change(scattering, reads([50] * 5, [100] * 5)).worse)

    def test_more_rounds_are_surer(self):
        again = [80, 90, 100, 110, 120]
        surer = reads([90] * 15, [100] * 15, again * 3)
        self.assertTrue(self.change(surer, reads([65] * 15, [100] * 15)).worse)

    def test_a_round_or_two_tell_nothing(self):
        change = self.change(reads([90] * 2, [100] * 2), reads([50] * 2, [100] * 2))
        self.assertFalse(change.worse)
        self.assertTrue(change.says_nothing)

    def test_of_costs_more_is_worse(self):
        def run(ours):
            return Measures({goals.CPU[0]: Measure("s", {BASE: [1] * 3, "luksdetached": [ours] * 3})})

        self.assertTrue(self.change(run(1.2), run(1.4)).worse)
        self.assertFalse(self.change(run(1.2), run(1.0)).worse)

    def test_the_start_is_compared_with_another_start(self):
        def run(ours):
            return Measures({goals.FIRST_BYTE[0]: Measure("ms", {BASE: [10] * 3, "luksdetached": [ours] * 3})})

        self.assertTrue(self.change(run(12), run(20)).worse)

    def test_nothing_in_common_is_nothing(self):
        self.assertEqual(goals.compare(reads([1], [1]), Measures()), [])


class CryptoBench(unittest.TestCase):
    def test_the_limit_is_that_of_the_fastest_width(self):
        run = Measures()
        widths = {"vaesenc 512 bit": 30e9, "vaesenc 256 bit": 31e9, "aesenc 128 bit": 9e9}
        # They ran in another order than they are named in.
        said = [
            {"name": f"kernels/xts/{who}", "bytes_per_second": value, **family(number)}
            for number, (who, value) in reversed(list(enumerate(widths.items())))
        ]
        crypto.add_results({"benchmarks": said}, run)
        self.assertEqual(run.by_name["kernels/xts"].samples[goals.ROOFLINE], [31])
        self.assertEqual(list(run.by_name["kernels/xts"].samples), [*widths, goals.ROOFLINE])

    def test_a_wrong_result_ends_the_run(self):
        said = [{"name": "kernels/xts/OpenSSL", "error_occurred": True, "error_message": "wrong", **family(0)}]
        with self.assertRaisesRegex(SystemExit, "kernels/xts/OpenSSL: wrong"):
            crypto.add_results({"benchmarks": said}, Measures())


class Report(unittest.TestCase):
    def complete(self):
        """A run of everything that the goals are about, in which all are equal."""
        everything = Measures()
        for one in goals.GOALS:
            for name in one.measures:
                for who in {one.of, one.to or BASE, BASE, AGAIN}:
                    everything.by_name.setdefault(name, Measure("s")).samples[who] = [2.0, 3.0, 4.0]
        return everything

    def info(self):
        machine = {"date": "today", "commit": "abc", "cpu": "CPU", "features": ["aes"], "cores": 2, "memory": "1 GiB",
                   "kernel": "6", "versions": {"nbdkit": "1"}}  # fmt: skip
        return {"machine": machine, "rounds": 3, "mebibytes": 512, "kernel": "vaes"}

    def test_every_goal_has_a_row(self):
        text = report.goals_table(self.complete())
        self.assertEqual(len(text.splitlines()), len(goals.GOALS) + 2)
        self.assertEqual(text.count("**no** |") + text.count(" yes |"), len(goals.GOALS))

    def test_columns_are_aligned(self):
        lines = report.table(["a", "bb"], [["longer", "1"], ["x", "1000"]]).splitlines()
        self.assertEqual(lines, ["| a      |   bb |", "| ------ | ---: |", "| longer |    1 |", "| x      | 1000 |"])

    def test_the_page_shows_every_chart(self):
        page = report.page(self.info(), self.complete())
        for name, _, _ in report.charts(self.complete()):
            self.assertIn(f"(benchmarks/{name}.svg)", page)

    def test_numbers_can_be_read_back(self):
        run = self.complete()
        found = json.loads(report.numbers(self.info(), run))
        self.assertEqual(Measures.from_json(found["measures"]).by_name, run.by_name)
        self.assertEqual(found["rounds"], 3)


class Chart(unittest.TestCase):
    def bars(self, samples):
        tree = ElementTree.fromstring(chart.chart("A & B", "<less>", [chart.Group("x", samples)]))
        return tree.findall("{http://www.w3.org/2000/svg}rect")

    def test_bars_are_as_long_as_medians(self):
        first, second = self.bars({"a": [1, 1, 1], "b": [1, 2, 4]})
        self.assertAlmostEqual(float(second.get("width")), 2 * float(first.get("width")), delta=0.2)

    def test_ours_stands_out(self):
        kinds = [bar.get("class") for bar in self.bars({"luksdetached": [1], "others": [1]})]
        self.assertEqual(kinds, ["ours", "other"])


if __name__ == "__main__":
    unittest.main()
