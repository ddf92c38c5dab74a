package jobs

import "context"

// Look looks at the queue now.
func (w *Workers) Look(ctx context.Context) error { return w.look(ctx) }
