FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/inlet ./cmd/inlet \
 && mkdir /out/data

# The image has no shell, no libc and no package manager: only the static binary and
# the CA roots.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/inlet /inlet
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV INLET_ADDR=0.0.0.0:8080 \
    INLET_DATA_DIR=/data \
    INLET_BLOB_URL=file:///data
VOLUME /data
EXPOSE 8080
USER nonroot:nonroot
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/inlet", "healthcheck"]
ENTRYPOINT ["/inlet"]
CMD ["serve"]
