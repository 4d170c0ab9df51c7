# The bridge as an image: docker build -t i3x-bridge . (compose.yaml does it)
FROM python:3.12.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.12.11-slim-bookworm
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels i3x-bridge \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/bridge bridge
COPY config/compose.toml /etc/bridge/uns.toml
USER 10001
ENV STATE_DIRECTORY=/var/lib/bridge
WORKDIR /var/lib/bridge
VOLUME /var/lib/bridge
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
ENTRYPOINT ["bridge"]
CMD ["run", "--config", "/etc/bridge/uns.toml"]
