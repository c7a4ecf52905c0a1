# What compose.yaml's client needs: nbdcopy and nbdinfo.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libnbd-bin \
 && rm -rf /var/lib/apt/lists/*
