# The gateway's image: built from hash-locked wheels, run as nobody in particular on a root that cannot be written.
#   docker build --tag hangu:0.1.0 .
# The embedded demo backend's weights are not in it: in front of GPUs nobody needs them.

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/hangu
WORKDIR /build
# Dependencies first: they change more rarely than our own files, and their layer is kept.
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/hangu/bin/pip install --require-hashes --no-deps --only-binary :all: --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE* ./
COPY gateway gateway
COPY policies policies
COPY watermark watermark
COPY tgi tgi
COPY compliance_reports compliance_reports
# setuptools is in the locked set, so that nothing is fetched without a hash here either.
RUN /opt/hangu/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/hangu/bin/pip uninstall --yes pip \
    && /opt/hangu/bin/python -m compileall -q /opt/hangu/lib

FROM python:3.11.14-slim-bookworm
RUN groupadd --system --gid 10001 hangu \
    && useradd --system --uid 10001 --gid hangu --home-dir /nonexistent --shell /usr/sbin/nologin hangu \
    && mkdir -p /site /var/lib/hangu \
    && chown 10001:10001 /var/lib/hangu
COPY --from=build /opt/hangu /opt/hangu
COPY deploy/docker/healthcheck.py /opt/hangu/healthcheck.py
ENV PATH=/opt/hangu/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/hangu
EXPOSE 8443 9443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "/opt/hangu/healthcheck.py", "/site"]
ENTRYPOINT ["hangu"]
CMD ["serve", "/site"]
