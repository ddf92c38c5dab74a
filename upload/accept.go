package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"inlet/blob"
	"inlet/imaging"
	"inlet/problem"
	"inlet/tracing"
)

// attempts bounds how often a file starts over because somebody else stored or
// deleted its picture at the same moment.
const attempts = 10

// arrival is one file on its way through the pipeline.
type arrival struct {
	from     Sender
	filename string
	scope    string
	staged   *blob.Staged
	format   imaging.Format
}

// Accept takes one file through the pipeline. It never fails as a whole: the
// result of a file that it does not accept is Rejected, with the reason in Err. It
// reads the body to its end, or up to one byte past the limit.
func (s *Service) Accept(ctx context.Context, from Sender, filename string, body io.Reader) Result {
	ctx, span := tracing.Start(ctx, "file")
	defer span.End()
	result, err := s.accept(ctx, from, cleanName(filename), body)
	if err != nil {
		result = s.Reject(filename, err)
	} else {
		s.metrics.count(result)
	}
	describe(span, result)

	return result
}

// Reject is the result of a file that the caller refuses unseen.
func (s *Service) Reject(filename string, err error) Result {
	result := Result{Filename: cleanName(filename), Status: Rejected, Err: err}
	s.metrics.count(result)

	return result
}

// accept is the part of the pipeline that runs once: until the file has arrived,
// and has a slot.
func (s *Service) accept(ctx context.Context, from Sender, filename string, body io.Reader) (Result, error) {
	a := arrival{from: from, filename: filename, scope: s.scope(from)}
	if err := s.Admit(ctx, from); err != nil {
		return Result{}, err
	}
	if err := s.receive(ctx, &a, body); err != nil {
		return Result{}, err
	}
	defer a.staged.Discard()

	defer s.singleflight.follow(ctx, content{a.scope, a.staged.Sum()})()
	release, err := s.wait(ctx, a)
	if err != nil {
		return Result{}, err
	}
	defer release()

	for range attempts {
		result, err := s.process(ctx, a)
		if !raced(err) {
			return result, err
		}
	}

	return Result{}, fmt.Errorf("%w: others changed the picture again and again during the upload", ErrOverloaded)
}

// process is the rest of the pipeline. It starts over where it lost a race.
func (s *Service) process(ctx context.Context, a arrival) (Result, error) {
	known, err := s.exact(ctx, a)
	if err != nil {
		return Result{}, err
	}
	if known != nil {
		return s.commitDuplicate(ctx, a, *known, nil)
	}

	info, err := s.inspect(ctx, a)
	if err != nil {
		return Result{}, err
	}
	found, err := s.match(ctx, a, info)
	if err != nil {
		return Result{}, err
	}
	if found.copyOf != nil {
		return s.commitDuplicate(ctx, a, *found.copyOf, &info)
	}

	if err := s.keep(ctx, a); err != nil {
		return Result{}, err
	}
	result, err := s.commitStored(ctx, a, info, found)
	if err != nil {
		s.abandon(ctx, a, err)
	}

	return result, err
}

// scope is which pictures the file is compared with.
func (s *Service) scope(from Sender) string {
	if s.ScopeByLink {
		return string(from.Grant.ID)
	}

	return ""
}

// wait waits for a slot.
func (s *Service) wait(ctx context.Context, a arrival) (release func(), err error) {
	ctx, step := s.begin(ctx, "wait")
	defer step.end()

	return s.slots.take(ctx, tenantOf(a.from))
}

// describe writes the outcome of a file into its span, but no reason of a
// refusal: such texts quote what the sender sent.
func describe(span trace.Span, r Result) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("inlet.status", string(r.Status)), attribute.String("inlet.match", r.Match),
		attribute.String("inlet.format", string(r.Format)), attribute.Int64("inlet.bytes", r.Bytes))
	if code := problem.CodeOf(r.Err); r.Err != nil && (code == problem.Unavailable || code == problem.Overloaded) {
		span.SetStatus(codes.Error, "")
	}
}

// storageFailed marks failures of the staging disk or the store, which are not
// the sender's.
func storageFailed(err error) error {
	var disk *os.PathError
	if errors.Is(err, blob.ErrUnavailable) || errors.As(err, &disk) {
		return problem.StoreFailed(err)
	}

	return err
}
