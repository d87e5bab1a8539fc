# Builds the package in one stage and installs it into a small image in the next. State and settings live in /data.
FROM node:22-bookworm-slim AS build
WORKDIR /source
COPY . .
ENV NSCP_SKIP_PYTHON_SETUP=1
RUN npm ci && npm pack --pack-destination /tmp

FROM node:22-bookworm-slim
# Python scripts run with the system's interpreter; its protobuf is for those that use raw messages.
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-protobuf && rm -rf /var/lib/apt/lists/*
ENV NSCP_SKIP_PYTHON_SETUP=1
RUN --mount=from=build,source=/tmp,target=/packed npm install --global --omit=dev /packed/nscp-gateway-*.tgz
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
WORKDIR /data
# REST, gRPC and NRPE, where the settings switch them on.
EXPOSE 8443 8444 5666
# The settings are /data/nscp.ini; `nscp certs init --dir /data/security` makes certificates to begin with.
ENTRYPOINT ["nscp"]
CMD ["service", "--run", "--settings", "/data/nscp.ini", "--path-override", "data-path=/data"]
