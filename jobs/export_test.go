package jobs

import "context"

// Count counts the queue now.
func (w *Workers) Count(ctx context.Context) error { return w.count(ctx) }
