package upload

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"inlet/blob"
	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/tracing"
)

// attempts bounds how often a file whose picture is stored or deleted by
// somebody else at the same moment is looked at again.
const attempts = 10

// errRaced says that another upload or a deletion won; the file starts over.
var errRaced = errors.New("upload: lost a race")

// errRemoving says that the deletion is still under way.
var errRemoving = fmt.Errorf("%w: the bytes are being removed", errRaced)

// arrival is one file on its way through the pipeline.
type arrival struct {
	from     Sender
	filename string
	scope    string
	staged   *blob.Staged
	format   imaging.Format
}

// Accept takes one file through the pipeline. It never fails as a whole: a
// file that is not accepted comes back as Rejected with the reason in Err. The
// body is read to its end, or up to one byte past the limit.
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

// describe writes the outcome of a file into its span. The reason of a refusal
// is not in it: such texts quote what the sender sent.
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

// Reject is the result of a file that is refused without being looked at.
func (s *Service) Reject(filename string, err error) Result {
	result := Result{Filename: cleanName(filename), Status: Rejected, Err: err}
	s.metrics.count(result)
	return result
}

func (s *Service) accept(ctx context.Context, from Sender, filename string, body io.Reader) (Result, error) {
	a := arrival{from: from, filename: filename, scope: s.scope(from)}
	if err := s.Admit(ctx, from); err != nil {
		return Result{}, err
	}
	var err error
	if a.staged, a.format, err = s.receive(ctx, body); err != nil {
		return Result{}, err
	}
	defer a.staged.Discard()
	defer s.flights.follow(ctx, flight{a.scope, a.staged.Sum()})()
	release, err := s.turn(ctx, a)
	if err != nil {
		return Result{}, err
	}
	defer release()

	for range attempts {
		result, err := s.process(ctx, a)
		if !errors.Is(err, errRaced) {
			return result, err
		}
	}
	return Result{}, fmt.Errorf("%w: the picture kept changing under the upload", ErrOverloaded)
}

// turn waits until the file that has arrived may be worked on.
func (s *Service) turn(ctx context.Context, a arrival) (release func(), err error) {
	ctx, step := s.begin(ctx, "wait")
	defer step.end()
	return s.places.take(ctx, partyOf(a.from))
}

// process is the part of the pipeline that follows the arrival of the bytes.
func (s *Service) process(ctx context.Context, a arrival) (Result, error) {
	known, err := s.lookUpExact(ctx, a)
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
	found, err := s.lookUpAlike(ctx, a, info)
	if err != nil {
		return Result{}, err
	}
	if found.payload != nil {
		return s.commitDuplicate(ctx, a, *found.payload, &info)
	}
	like, err := s.judge(ctx, a, info, found)
	if err != nil {
		return Result{}, err
	}
	if like.copy != nil {
		return s.commitDuplicate(ctx, a, keptCopy(like.copy), &info)
	}
	if err := s.keep(ctx, a); err != nil {
		return Result{}, err
	}
	result, err := s.commitStored(ctx, a, info, like)
	if err != nil {
		s.abandon(ctx, a, err)
	}
	return result, err
}

// abandon removes the blob of a file that was not committed, unless somebody
// else's picture has the same bytes. With the database away the periodic sweep
// does it; where somebody removes the same bytes already, they do.
func (s *Service) abandon(ctx context.Context, a arrival, cause error) {
	if errors.Is(cause, problem.ErrUnavailable) || errors.Is(cause, errRemoving) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.StoreWait)
	defer cancel()
	_ = s.Orphans.RemoveOrphan(ctx, a.staged.Sum())
}

// Admit refuses a link that is used up before its bytes are taken. The limit
// itself is enforced by the commit.
func (s *Service) Admit(ctx context.Context, from Sender) error {
	if from.Grant.MaxFiles == 0 && from.Grant.MaxBytes == 0 {
		return nil
	}
	ctx, step := s.begin(ctx, "admit")
	defer step.end()
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	used, err := s.Usage.Usage(ctx, from.Grant)
	if err != nil {
		return problem.StoreFailed(err)
	}
	if g := from.Grant; (g.MaxFiles > 0 && used.Files >= g.MaxFiles) || (g.MaxBytes > 0 && used.Bytes >= g.MaxBytes) {
		return link.ErrExhausted
	}
	return nil
}

// inspect looks into the file, as one of a few: it takes a processor.
func (s *Service) inspect(ctx context.Context, a arrival) (imaging.Info, error) {
	release, err := s.inspections.take(ctx, partyOf(a.from))
	if err != nil {
		return imaging.Info{}, err
	}
	defer release()
	ctx, step := s.begin(ctx, "inspect")
	defer step.end()
	info, err := s.Inspector.Inspect(ctx, a.staged, a.staged.Size(), a.format)
	if err != nil && isStorage(err) {
		err = problem.StoreFailed(err)
	}
	if s.Exact {
		info.Payload = nil
	}
	return info, err
}

func (s *Service) scope(from Sender) string {
	if s.ScopeByLink {
		return string(from.Grant.ID)
	}
	return ""
}
