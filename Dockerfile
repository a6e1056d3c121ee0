# The command line of Spine: docker build -t spine . && docker run --rm --user "$(id -u)" -v "$PWD:/work" spine run orders.py
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY migrations ./migrations
COPY spine ./spine
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels spine-orchestrator \
    && useradd --create-home --uid 10001 spine \
    && install --directory --owner=spine /work
USER spine
WORKDIR /work
ENTRYPOINT ["spine"]
CMD ["--help"]
