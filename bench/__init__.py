"""Benchmarks: our operations beside references timed in the same run; see README.md."""
