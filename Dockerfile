# Cleave in a container: docker build -t cleave .
#
# One module only:   docker build --build-arg FEATURES=products -t cleave-products .
# Nothing here needs BuildKit, so that any builder will do.

ARG RUST_IMAGE=rust:1-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# What decides which dependencies are built: the layer below is kept as long as these files are the same.
FROM ${RUST_IMAGE} AS manifests
COPY . /all
RUN cd /all && find . -name Cargo.toml -o -name Cargo.lock -o -path ./.cargo/config.toml | tar -cf - -T - | tar -xf - -C /srv

FROM ${RUST_IMAGE} AS build
# The modules that the program can host; the others it can only call.
ARG FEATURES=users,products,orders
# Queries are checked against the caches in the repository.
ENV SQLX_OFFLINE=true CARGO_TERM_COLOR=never
WORKDIR /build
COPY --from=manifests /srv .
RUN for manifest in Cargo.toml fuzz/Cargo.toml modules/*/Cargo.toml; do \
        mkdir -p "${manifest%Cargo.toml}src" && : > "${manifest%Cargo.toml}src/lib.rs"; \
    done \
 && echo 'fn main() {}' | tee src/main.rs > fuzz/src/main.rs \
 && cargo build --release --locked --no-default-features --features "$FEATURES" --bin cleave
COPY . .
# Cargo goes by the time of a file, and ours may be older than the stubs above.
RUN find src modules migrations config -type f -exec touch {} + \
 && cargo build --release --locked --no-default-features --features "$FEATURES" --bin cleave \
 && install -D -s target/release/cleave /image/usr/local/bin/cleave \
 && install -d -m 0750 /image/data

# No shell and no package manager; libc, certificates and a user without rights.
FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cleave" \
      org.opencontainers.image.description="A commerce backend that runs as one binary and comes apart along its module lines" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/usr /usr
COPY --from=build --chown=65532:65532 /image/data /data
# The private listener stays on loopback, where the health check finds it; CLEAVE__SERVER__PRIVATE opens it to peers.
ENV CLEAVE__ENVIRONMENT=production \
    CLEAVE__DATA_DIR=/data \
    CLEAVE__SERVER__PUBLIC=0.0.0.0:8000
USER 65532:65532
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["cleave", "healthcheck"]
ENTRYPOINT ["cleave"]
CMD ["serve"]
