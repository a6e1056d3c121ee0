"""What is measured: one file each, with a `TITLE` and a function `measure`; see `benchmarks.measure`."""
