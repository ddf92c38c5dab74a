package web

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// untraced are the routes that machines ask all the time.
var untraced = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// trace begins the span of a request. The span has the route, never the address:
// that has the token. Only a trusted proxy can continue a trace of its own; others
// could have everything recorded.
func (s *Server) trace(r *http.Request, route, id string) (*http.Request, trace.Span) {
	if s.Tracer == nil || untraced[route] {
		return r, trace.SpanFromContext(context.Background())
	}

	ctx := r.Context()
	if s.trusted(peer(r)) {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := s.Tracer.Start(ctx, methodOf(r)+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", methodOf(r)), attribute.String("http.route", route),
			attribute.String("inlet.request", id)))

	return r.WithContext(ctx), span
}

// traced ends the span of a request.
func traced(span trace.Span, rec *recorder) {
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", rec.status), attribute.Int64("http.response.body.size", rec.bytes))
		if rec.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}
