// Package tracing owns the spans of OpenTelemetry: where they go, and that they
// cost nothing when they go nowhere.
//
// It promises that no span is made unless a collector is named in the
// environment, that a collector that hangs or is away holds up nobody (what it
// does not take is dropped), and that Stop is bounded by its context. What is
// written into spans is decided where they are started; no token may be.
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
	// exportTime bounds one delivery, its retries included.
	exportTime = 10 * time.Second
	// waiting bounds the spans that wait for a delivery; one is below 1 KiB.
	waiting = 2048
)

// Provider makes tracers.
type Provider struct {
	trace.TracerProvider
	sdk *sdktrace.TracerProvider // nil: off
}

// Enabled tells whether the environment names a collector.
func Enabled() bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// New makes a Provider that sends to the collector of the environment, by
// OTLP over HTTP, or one that does nothing. Its settings are OpenTelemetry's
// own: OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES. It does not wait for the collector.
func New(ctx context.Context, version string) (*Provider, error) {
	if !Enabled() {
		return &Provider{TracerProvider: noop.NewTracerProvider()}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	// What the environment says comes last, and so counts.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "inlet"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: describe this process: %w", err)
	}
	// The sampler is that of OTEL_TRACES_SAMPLER.
	sdk := sdktrace.NewTracerProvider(sdktrace.WithResource(about),
		sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(exportTime), sdktrace.WithMaxQueueSize(waiting)))
	return &Provider{TracerProvider: sdk, sdk: sdk}, nil
}

// Stop sends what waits, until ctx ends.
func (p *Provider) Stop(ctx context.Context) error {
	if p.sdk == nil {
		return nil
	}
	return p.sdk.Shutdown(ctx)
}

// Start begins a span inside that of ctx. Where that one is not recorded there
// is none: ctx comes back as it is, nothing is allocated, and ending the span
// does nothing.
func Start(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return parent.TracerProvider().Tracer("inlet").Start(ctx, name)
}
