# Headrace in a container: `docker run headrace run --project /project`.
#
# Runs as an ordinary user on a read-only root file system. The one place it writes to is the volume /var/lib/headrace: a local copy of the
# snapshots, which may be lost without harm (it is read again from Kafka). Point the project file there:
#
#     snapshot:
#       path: ${HEADRACE_STATE:-.headrace}
#
#     docker run --rm --init --read-only --tmpfs /tmp -v "$PWD:/project:ro" -v headrace:/var/lib/headrace headrace run

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package needs its install script: native modules come as prebuilt optional packages.
RUN npm ci --ignore-scripts
# What .dockerignore lets through.
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Headrace" \
      org.opencontainers.image.description="Carries modeled facts from a data warehouse into Kafka as keyed, versioned events, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    HEADRACE_STATE=/var/lib/headrace
COPY --from=dependencies /app/package.json /app/package.json
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /build/dist /app/dist
# A new named volume takes its owner from this folder.
RUN install -d -o 1000 -g 1000 -m 0700 /var/lib/headrace /project
VOLUME /var/lib/headrace
# The user `node`, by number: Kubernetes' runAsNonRoot cannot judge a name.
USER 1000:1000
WORKDIR /project
# Headrace ends on SIGTERM by itself: it finishes or aborts the chunk. As process 1 it does not reap orphans of programs that it starts
# (`sasl.command`): give `--init`, or shareProcessNamespace in Kubernetes, if you use one.
STOPSIGNAL SIGTERM
# Jobs have no health; a probe of `serve` belongs in the deployment, where its port is known.
HEALTHCHECK NONE
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["--help"]
