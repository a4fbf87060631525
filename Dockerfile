# syntax=docker/dockerfile:1.7
# Every image of the product: one stage builds, one runs the shop, one is the queue beside it.
#
#   docker build --target shop --tag loadgen-shop:0.1.0 .
#   docker build --target loadgen --tag loadgen:0.1.0 .
#
# No argument, layer or label holds a secret: the containers get them as variables when they start.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches are the builder's own and part of no image.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --profile dist --features full --locked --package shop --bin shop \
    && strip --strip-all -o /shop target/dist/shop

FROM debian:bookworm-20251229-slim AS shop
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="loadgen shop" \
    org.opencontainers.image.description="The reference shop that loadgen drives and breaks" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.base.name="docker.io/library/debian:bookworm-20251229-slim"
# A new volume takes owner and mode of the folder it covers; user 100 is the Datadog Agent's.
RUN groupadd --gid 10001 shop \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin shop \
    && install -d -o 10001 -g 10001 -m 0700 /data \
    && install -d -o 100 -g 0 -m 0775 /var/run/datadog
COPY --from=build --chown=0:0 --chmod=0755 /shop /usr/local/bin/shop
ENV SHOP_DATA=/data
WORKDIR /data
USER 10001:10001
EXPOSE 5921 8080 3001-3006
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=5 CMD ["shop", "health"]
ENTRYPOINT ["shop"]
CMD ["serve", "--bind", "0.0.0.0"]

FROM build AS build-loadgen
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --profile dist --features full --locked --package loadgen --bin loadgen \
    && strip --strip-all -o /loadgen target/dist/loadgen

FROM debian:bookworm-20251229-slim AS loadgen
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="loadgen" \
    org.opencontainers.image.description="Load tests that say whether their own numbers can be trusted" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.base.name="docker.io/library/debian:bookworm-20251229-slim"
# Scenarios are read from here, and run folders written: mount a folder of one's own.
RUN groupadd --gid 10001 loadgen \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /work --shell /usr/sbin/nologin loadgen \
    && install -d -o 10001 -g 10001 -m 0700 /work
COPY --from=build-loadgen --chown=0:0 --chmod=0755 /loadgen /usr/local/bin/loadgen
WORKDIR /work
USER 10001:10001
ENTRYPOINT ["loadgen"]

FROM softwaremill/elasticmq:1.7.1 AS queue
LABEL org.opencontainers.image.title="loadgen queue" \
    org.opencontainers.image.description="ElasticMQ with the shop's queues, kept on disk" \
    org.opencontainers.image.base.name="docker.io/softwaremill/elasticmq:1.7.1"
# Only to give the folder of the messages to the user that writes them.
USER root
RUN install -d -o 1001 -g 0 -m 0700 /data
COPY --chown=0:0 --chmod=0644 compose/queue/elasticmq.conf /opt/elasticmq.conf
USER 1001:0
EXPOSE 9324
