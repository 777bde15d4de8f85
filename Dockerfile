# The worker's image: built with the lock's hashes, runs as 10001 with nothing to write but /data.
# Pin the base by digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/streamjoin
COPY requirements.lock pyproject.toml ./
COPY deploy/select_lock.py deploy/
# Only what runs in the image, and only wheels: nothing is compiled, nothing comes without a hash.
RUN python deploy/select_lock.py > /tmp/runtime.txt \
    && python deploy/select_lock.py hatchling > /tmp/build.txt \
    && pip --python /opt/streamjoin/bin/python install --only-binary :all: --require-hashes -r /tmp/runtime.txt \
    && pip install --only-binary :all: --require-hashes -r /tmp/build.txt
COPY LICENSE README.md ./
COPY models models
COPY tables tables
COPY agents agents
COPY app app
RUN pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /tmp/wheel . \
    && pip --python /opt/streamjoin/bin/python install --no-deps --no-index /tmp/wheel/*.whl

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 streamjoin \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin streamjoin \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/streamjoin /opt/streamjoin
COPY deploy/healthcheck.py /opt/streamjoin/
# The modules are compiled already; a read-only root cannot take more.
ENV PATH=/opt/streamjoin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMJOIN_DATA_DIR=/data \
    STREAMJOIN_WEB_HOST=0.0.0.0 \
    STREAMJOIN_WEB_PORT=6066
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 6066
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-S", "/opt/streamjoin/healthcheck.py"]
# Signals that come while Python starts wait until they are heeded; else the kernel drops those of a
# container's first process.
ENTRYPOINT ["env", "--block-signal=TERM", "--block-signal=HUP", "streamjoin"]
CMD ["worker"]
