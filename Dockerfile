# Weir's image: docs/image.md says how to build, pin and scan it.

# Only the build stage is made from it; of it, the image has Python and the libraries that this loads. Without a
# digest the tag decides, and whoever moves the tag: a release names one,
# --build-arg PYTHON_IMAGE=python:3.11-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
# For a volume with the key ring: a new one takes over the owner of what it is mounted on.
RUN ["mkdir", "/owned"]
COPY . .
RUN ["python3.11", "container/build.py", "/image"]

FROM scratch
ARG PYTHON_IMAGE
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="Anonymizes product events between Kafka and the analytics vendors they feed" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /image /
COPY --from=build --chown=10001:10001 /owned /var/lib/weir
# A container's loopback is of no use to probes: the pod's own address is what the port must be bound to.
ENV PATH=/opt/weir/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    WEIR_CONFIG_DIR=/etc/weir/config \
    WEIR_PROBE_HOST=0.0.0.0
USER 10001:10001
# Fails the build where anything that Weir loads was left behind.
RUN ["weir", "policy", "check"]
EXPOSE 8086
# No HEALTHCHECK: Kubernetes asks /startupz, /readyz and /livez, and Docker would need a program in here to ask with.
# checkov:skip=CKV_DOCKER_2: the line above
ENTRYPOINT ["weir"]
CMD ["worker"]
