"""Numbers for Prometheus, in its text format 0.0.4, by log where there are logs.

    # HELP didsvc_log_entries Entries that the log has taken.
    # TYPE didsvc_log_entries gauge
    didsvc_log_entries{log="gd.example/reg"} 12

A service returns its families when it is asked, so nothing is registered anywhere and two
services of one process do not share a number. Why no library: docs/adr/0057.
"""

from __future__ import annotations

import resource
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shutil import disk_usage
from threading import Lock

PREFIX = "didsvc_"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Labels = tuple[tuple[str, str], ...]


class MetricKind(StrEnum):
    """How a number is meant."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number.

    Attributes:
        value: The number.
        labels: What it is about.
        suffix: Behind the family's name; only histograms have some.
    """

    value: float
    labels: Labels = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A family of numbers of one meaning.

    Attributes:
        name: Without the prefix; a counter's ends in `_total`, a time's in `_seconds`.
        kind: How it is meant.
        told: One sentence.
        samples: The numbers.
    """

    name: str
    kind: MetricKind
    told: str
    samples: tuple[Sample, ...]


Metrics = Callable[[], Iterable[Metric]]


def gauge(name: str, told: str, value: float) -> Metric:
    """Return one number that goes up and down."""
    return Metric(name, MetricKind.GAUGE, told, (Sample(value),))


def gauge_by(name: str, told: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return such numbers by one label: by `log`, by `pool`."""
    return Metric(name, MetricKind.GAUGE, told, tuple(_by(label, values)))


def counter(name: str, told: str, value: int) -> Metric:
    """Return one number that only grows."""
    return Metric(name, MetricKind.COUNTER, told, (Sample(value),))


def counter_by(name: str, told: str, label: str, values: Mapping[str, int]) -> Metric:
    """Return such numbers by one label."""
    return Metric(name, MetricKind.COUNTER, told, tuple(_by(label, values)))


def encode(metrics: Iterable[Metric]) -> str:
    """Write families in the text format; families of one name are joined, in order of names."""
    families: dict[str, Metric] = {}
    for metric in metrics:
        former = families.get(metric.name)
        samples = (*(former.samples if former else ()), *metric.samples)
        families[metric.name] = Metric(metric.name, metric.kind, metric.told, samples)
    return "".join(_family(families[name]) for name in sorted(families))


def process_metrics() -> Iterator[Metric]:
    """Return what is known of this process: open files, and how many it may have."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield gauge("open_files", "Files and connections that are open.", open_files())
    yield gauge("open_files_limit", "Files and connections that may be open.", limit)


def disk_metrics(folder: Path) -> Iterator[Metric]:
    """Return how large the disk of a folder is, and how much of it is free, in bytes."""
    usage = disk_usage(folder)
    name = {folder.name: float(usage.free)}
    yield gauge_by("disk_free_bytes", "Free bytes of the folder's disk.", "folder", name)
    name = {folder.name: float(usage.total)}
    yield gauge_by("disk_bytes", "Bytes of the folder's disk.", "folder", name)


def open_files() -> int:
    """Count the file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class LabelledCounter:
    """Counts events by labels; may be used by several threads."""

    def __init__(self, name: str, told: str) -> None:
        self._name, self._told = name, told
        self._counts: Counter[Labels] = Counter()
        self._lock = Lock()

    def add(self, **labels: str) -> None:
        """Count one event."""
        with self._lock:
            self._counts[tuple(labels.items())] += 1

    def metric(self) -> Metric:
        """Return the numbers."""
        with self._lock:
            counts = sorted(self._counts.items())
        samples = tuple(Sample(number, labels) for labels, number in counts)
        return Metric(self._name, MetricKind.COUNTER, self._told, samples)


class Histogram:
    """How long something took, by labels; may be used by several threads."""

    def __init__(self, name: str, told: str) -> None:
        self._name, self._told = name, told
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = Lock()

    def observe(self, seconds: float, **labels: str) -> None:
        """Count one duration."""
        key = tuple(labels.items())
        with self._lock:
            counts = self._counts.setdefault(key, [0] * (len(SECONDS_BUCKETS) + 1))
            counts[bisect_left(SECONDS_BUCKETS, seconds)] += 1
            self._sums[key] = self._sums.get(key, 0.0) + seconds

    def metric(self) -> Metric:
        """Return the numbers: cumulative buckets, sum and count."""
        with self._lock:
            found = [(key, [*counts], self._sums[key]) for key, counts in self._counts.items()]
        samples = tuple(each for row in sorted(found) for each in _buckets(*row))
        return Metric(self._name, MetricKind.HISTOGRAM, self._told, samples)


def _buckets(labels: Labels, counts: list[int], total: float) -> Iterator[Sample]:
    so_far = 0
    for bound, number in zip((*map(str, SECONDS_BUCKETS), "+Inf"), counts, strict=True):
        so_far += number
        yield Sample(so_far, (*labels, ("le", bound)), "_bucket")
    yield Sample(total, labels, "_sum")
    yield Sample(so_far, labels, "_count")


def _by(label: str, values: Mapping[str, float]) -> Iterator[Sample]:
    for name, value in sorted(values.items()):
        yield Sample(value, ((label, name),))


def _family(metric: Metric) -> str:
    name = PREFIX + metric.name
    head = f"# HELP {name} {metric.told}\n# TYPE {name} {metric.kind.value}\n"
    lines = (f"{name}{each.suffix}{_labels(each)} {each.value}\n" for each in metric.samples)
    return head + "".join(lines)


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
