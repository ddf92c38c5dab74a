// Package tracing owns the export of OpenTelemetry spans.
//
// It promises that no span exists unless the environment names a collector, that
// a collector that hangs or is away delays nobody (the exporter drops its spans),
// and that the context of Stop bounds it. The packages that start spans decide
// what these contain; no span may contain a token.
package tracing

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const (
	// exportTime bounds one delivery, retries included.
	exportTime = 10 * time.Second
	// queueSize bounds the queued spans, each below 1 KiB.
	queueSize = 2048
)

// Provider makes tracers.
type Provider struct {
	trace.TracerProvider
	sdk *sdktrace.TracerProvider // nil: off
}

// Enabled tells whether the environment names a collector.
func Enabled() bool {
	return os.Getenv("OTEL_SDK_DISABLED") != "true" &&
		os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")+os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// New returns a Provider that sends to the environment's collector by OTLP over
// HTTP, or one that does nothing. It reads OpenTelemetry's own settings:
// OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES. It does not wait for the collector.
func New(ctx context.Context, version string) (*Provider, error) {
	if !Enabled() {
		return &Provider{TracerProvider: noop.NewTracerProvider()}, nil
	}

	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}

	// The environment's attributes come last and override these.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "inlet"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: describe this process: %w", err)
	}

	// The SDK itself reads OTEL_TRACES_SAMPLER.
	sdk := sdktrace.NewTracerProvider(sdktrace.WithResource(about),
		sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(exportTime), sdktrace.WithMaxQueueSize(queueSize)))
	return &Provider{TracerProvider: sdk, sdk: sdk}, nil
}

// Stop sends the queued spans, until ctx ends.
func (p *Provider) Stop(ctx context.Context) error {
	if p.sdk == nil {
		return nil
	}
	return p.sdk.Shutdown(ctx)
}

// Start begins a span inside that of ctx. If that one is not recorded, Start
// allocates nothing and returns ctx itself with a span that does nothing.
func Start(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, trace.SpanFromContext(context.Background())
	}

	return parent.TracerProvider().Tracer("inlet").Start(ctx, name)
}
