package jobs

import "context"

// Repeat opens the loop for rounds that a test makes up.
func (r *Runner) Repeat(ctx context.Context, name string, round func(context.Context) (int, error)) {
	r.repeat(ctx, loop{name: name, round: round})
}
