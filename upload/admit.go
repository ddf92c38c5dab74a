package upload

import "context"

// Admit refuses a file whose link is revoked or used up, before anybody takes its
// bytes. The commit enforces the limits themselves.
func (s *Service) Admit(ctx context.Context, from Sender) error {
	if from.Grant.Limited() { // else it is a look-up in memory, not worth a step
		var step step
		ctx, step = s.begin(ctx, "admit")
		defer step.end()
	}

	return s.Gate.MaySend(ctx, from.Grant)
}
