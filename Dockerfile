# The operator as a static binary in an image that holds nothing else but root certificates: no shell, no package manager.
FROM rust:1.95 AS build
WORKDIR /src
COPY . .
# With --target the flags reach the binary alone, not the build scripts and macros that run on the way.
RUN RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --locked --release --bin keyholder --target x86_64-unknown-linux-gnu

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/x86_64-unknown-linux-gnu/release/keyholder /keyholder
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/keyholder"]
CMD ["run"]
