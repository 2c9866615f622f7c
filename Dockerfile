# Small, non-root, any UID, read-only root: docker run --read-only --user 12345:0 -v weir-state:/var/lib/weir weir run

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY . .
RUN npx tsc && npm prune --omit=dev --ignore-scripts \
 && rm -rf dist/test dist/bench dist/evaluate dist/scripts \
 && find dist -name '*.js.map' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="weir" \
      org.opencontainers.image.description="Flow logs, anomalies and SIEM forwarding for Kubernetes and OpenShift network policy" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing is installed at run time.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
WORKDIR /opt/weir
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE NOTICE ./
# Rules that come along.
COPY rules ./rules
# Read by `weir docs`.
COPY docs ./docs
# OpenShift runs images under a random UID of group 0: what must be writable belongs to that group.
RUN mkdir -p /var/lib/weir /etc/weir /run/weir \
 && chgrp -R 0 /var/lib/weir /run/weir \
 && chmod -R g+rwX /var/lib/weir /run/weir \
 && ln -s /opt/weir/dist/cli/main.js /usr/local/bin/weir \
 && chmod 755 /opt/weir/dist/cli/main.js
ENV NODE_ENV=production \
    WEIR_STATE_DIR=/var/lib/weir
USER 10001:0
VOLUME /var/lib/weir
# Only opened when `listen.metrics` is configured.
EXPOSE 9464
# Liveness and readiness are /healthz and /readyz; there is no HEALTHCHECK, which Kubernetes would not read.
ENTRYPOINT ["node", "/opt/weir/dist/cli/main.js"]
CMD ["run"]
