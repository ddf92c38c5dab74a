package upload

import (
	"context"

	"inlet/imaging"
)

// inspect checks the file to its end, and reads its size, its metadata, which it
// cleans, its payload, its fingerprint and its quality. It takes a processor, so few run at once.
func (s *Service) inspect(ctx context.Context, a arrival) (imaging.Info, error) {
	release, err := s.inspections.take(ctx, tenantOf(a.from))
	if err != nil {
		return imaging.Info{}, err
	}
	defer release()
	ctx, step := s.begin(ctx, "inspect")
	defer step.end()

	info, err := s.Inspector.Inspect(ctx, a.staged, a.staged.Size(), a.format)
	info.Clean(s.Now())
	if s.Exact {
		info.Payload = nil
	}

	return info, storageFailed(err)
}
