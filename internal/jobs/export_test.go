package jobs

import "context"

// Repeat exports the loop, for rounds made by a test.
func (r *Runner) Repeat(ctx context.Context, name string, round func(context.Context) (int, error)) {
	r.repeat(ctx, loop{name: name, round: round})
}
