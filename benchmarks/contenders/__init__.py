"""Who is measured: one file each, with one class named `CONTENDER`; see `benchmarks.contender`."""
