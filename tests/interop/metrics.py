"""metrics.py ADDRESS [NAME [LABEL=VALUE ...]]: the value of a sample; without NAME the names of all metrics.
ADDRESS is unix:/PATH or tcp:HOST:PORT. All metrics must be well-formed for the parser of Prometheus' own Python
library, which did not come from us, with their types; no sample twice, histograms that add up."""

import http.client
import socket
import sys

from prometheus_client.parser import text_string_to_metric_families


class Connection(http.client.HTTPConnection):
    def __init__(self, address):
        kind, _, self.place = address.partition(":")
        self.is_unix = kind == "unix"
        super().__init__("localhost" if self.is_unix else self.place, timeout=30)

    def connect(self):
        if not self.is_unix:
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.place)


def fetch(address):
    connection = Connection(address)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.read().decode()


def check_histogram(family):
    groups = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        group = groups.setdefault(frozenset(labels.items()), {"buckets": []})
        if bound is None:
            group[sample.name.rpartition("_")[2]] = sample.value
        else:
            group["buckets"].append((float(bound), sample.value))
    for group in groups.values():
        assert group["buckets"] == sorted(group["buckets"]), group
        assert group["buckets"][-1] == (float("inf"), group["count"]), group
        assert group["sum"] >= 0


def main():
    samples, names = {}, []
    for family in text_string_to_metric_families(fetch(sys.argv[1])):
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation, family
        names.append(family.name + ("_total" if family.type == "counter" else ""))
        if family.type == "histogram":
            check_histogram(family)
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples, f"{sample} twice"
            samples[key] = sample.value
    if len(sys.argv) > 2:
        labels = frozenset(tuple(label.split("=", 1)) for label in sys.argv[3:])
        print(f"{samples[sys.argv[2], labels]:.12g}")
    else:
        print("\n".join(names))


main()
