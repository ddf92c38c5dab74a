package tracing

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestOffWithoutCollector(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	p, err := New(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("").Start(t.Context(), "root")
	if span.IsRecording() {
		t.Error("a span is recorded")
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDisabled(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	if !Enabled() {
		t.Error("off although there is a collector")
	}
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if Enabled() {
		t.Error("on although it is disabled")
	}
}

// The sampler is chosen by the environment.
func TestSampler(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	p, err := New(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer("").Start(t.Context(), "root")
	if span.IsRecording() {
		t.Error("a span is recorded that the sampler leaves out")
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(kept)).Tracer("")
	ctx, root := tracer.Start(t.Context(), "root")
	_, span := Start(ctx, "step")
	span.End()
	root.End()
	ended := kept.Ended()
	if len(ended) != 2 || ended[0].Name() != "step" || ended[0].Parent().SpanID() != root.SpanContext().SpanID() {
		t.Errorf("got %v", ended)
	}
}

// Where nothing is recorded a span costs nothing.
func TestStartOffAllocatesNothing(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, span := Start(ctx, "step")
		span.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStart(b *testing.B) {
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, span := Start(b.Context(), "step")
			span.End()
		}
	})
	b.Run("on", func(b *testing.B) {
		ctx, root := sdktrace.NewTracerProvider().Tracer("").Start(b.Context(), "root")
		defer root.End()
		b.ReportAllocs()
		for b.Loop() {
			_, span := Start(ctx, "step")
			span.End()
		}
	})
}
