# milter-greylist in a container. docs/operations.md ("In a container") tells how to run it.
#
#   docker build -t milter-greylist .
#   docker run -d --stop-timeout 20 -p 127.0.0.1:8892:8892 -v greylist:/var/lib/milter-greylist milter-greylist
#
# Flags behind the image's name are added to those of ENTRYPOINT.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No scripts: better-sqlite3 has its binary inside the package, and the Node.js of the image is the one to use.
RUN npm ci --ignore-scripts --include=dev --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node node_modules/typescript/bin/tsc --project tsconfig.build.json
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /opt/milter-greylist
COPY LICENSE package.json ./
COPY bin bin
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# The database; a volume mounted here for the first time takes over the owner.
RUN install -d -m 0700 -o node -g node /var/lib/milter-greylist
ENV NODE_ENV=production STATE_DIRECTORY=/var/lib/milter-greylist
VOLUME /var/lib/milter-greylist
USER node

# The mail server is not in this container, so the milter listens on all of its addresses. It has no password: publish the port
# to the mail server only. Which addresses count as local is decided by what the mail server tells of its clients: if it stands
# behind a proxy or NAT itself, they may all look private, and then --no-accept-local is needed.
EXPOSE 8892
ENTRYPOINT ["node", "/opt/milter-greylist/bin/milter-greylist.js", "-s", "inet:8892@0.0.0.0"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s \
  CMD ["node", "/opt/milter-greylist/bin/milter-greylist.js", "probe", "--health", "-s", "inet:8892@127.0.0.1"]
