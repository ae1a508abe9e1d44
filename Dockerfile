# One image for both roles: aiocsi-controller and aiocsi-node. Builds for amd64 and arm64 (docker buildx --platform).
# The base is Debian 12 of 2026-09-18, slim.
ARG BASE=debian:bookworm-20260918-slim@sha256:3783cc01769c7b2b1b83a5c5ad96c815348e28ed7da68e2e3687004faa906251

FROM ${BASE} AS system
RUN --mount=type=bind,source=tools/image/packages.txt,target=/packages.txt \
    apt-get update \
    && sed 's/#.*//' /packages.txt | xargs apt-get install --yes --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt

FROM system AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
COPY . /source
WORKDIR /source
RUN python3 -m tools.image.install /layer --machine "$(uname -m)" \
    && python3 -m compileall -q --invalidation-mode unchecked-hash -s /layer -p / /layer/usr/local/lib

FROM system AS listed
COPY --from=build /layer/ /
RUN --mount=type=bind,target=/source \
    cd /source && python3 -B -m tools.image.sbom / > /sbom.cdx.json

# docker build --target bill --output FOLDER: the bill of materials beside the image
FROM scratch AS bill
COPY --from=listed /sbom.cdx.json /

FROM system
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aiocsi" \
      org.opencontainers.image.description="CSI driver for DigitalOcean Volumes: controller and node" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /layer/ /
COPY --from=listed /sbom.cdx.json /usr/share/doc/aiocsi/
USER 65532:65532
CMD ["aiocsi-node", "--help"]
