package metrics_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

func TestCommits(t *testing.T) {
	s := newSet(holdfasttest.NewClock())
	stats := s.Engine()
	stats.Waited(false, 3*time.Millisecond)
	stats.Waited(true, time.Second)
	stats.Refused()
	stats.Tried(engine.Try{Works: 7, Background: 2, Rounds: 3, Again: 4, Alone: 1, Conflict: true, Took: time.Hour})
	stats.Tried(engine.Try{
		Works: 7, Background: 2, Rounds: 2, Again: 1, Alone: 1, Committed: true, Took: 4 * time.Millisecond,
		Commit: time.Millisecond,
	})
	stats.Tried(engine.Try{Works: 1, Rounds: 1})
	stats.Checkpointed(5000, 2*time.Second)
	s.Queues(func() (int, int) { return 5, 6 })
	want := `holdfast_commit_actions_total{queue="background"} 2
holdfast_commit_actions_total{queue="foreground"} 5
holdfast_commit_alone_total 2
holdfast_commit_duration_seconds_sum 0.001
holdfast_commit_group_duration_seconds_sum 0.004
holdfast_commit_group_size_bucket{le="4"} 0
holdfast_commit_group_size_bucket{le="8"} 1
holdfast_commit_queue_full_total 1
holdfast_commit_queue_length{queue="background"} 6
holdfast_commit_queue_length{queue="foreground"} 5
holdfast_commit_queue_wait_seconds_sum{queue="background"} 1
holdfast_commit_queue_wait_seconds_sum{queue="foreground"} 0.003
holdfast_commit_reruns_total 5
holdfast_commit_rounds_total 6
holdfast_commits_total{result="committed"} 1
holdfast_commits_total{result="conflict"} 1
holdfast_commits_total{result="failed"} 1
holdfast_sqlite_checkpoint_duration_seconds_sum 2
`
	got := scraped(t, s, "holdfast_commit_actions", "holdfast_commit_alone", "holdfast_commit_duration_seconds_sum",
		"holdfast_commit_group_duration_seconds_sum", `holdfast_commit_group_size_bucket{le="4"`,
		`holdfast_commit_group_size_bucket{le="8"`, "holdfast_commit_queue_full", "holdfast_commit_queue_length",
		"holdfast_commit_queue_wait_seconds_sum", "holdfast_commit_reruns", "holdfast_commit_rounds", "holdfast_commits",
		"holdfast_sqlite_checkpoint_duration_seconds_sum")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the metrics are (-want +got):\n%s", diff)
	}
}

// An engine reports each action that it commits or refuses.
func TestCommitsOfAnEngine(t *testing.T) {
	s := newSet(holdfasttest.NewClock())
	pools, err := engine.Connect(t.Context(), engine.Address{File: filepath.Join(t.TempDir(), "some.db")})
	if err != nil {
		t.Fatal(err)
	}
	db, err := engine.Start(t.Context(), pools, engine.Config{Stats: s.Engine()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s.Queues(db.Waiting)
	refusal := errors.New("no")
	for _, outcome := range []error{nil, refusal, nil} {
		if err := db.Background(t.Context(), func(*engine.Tx) error { return outcome }); !errors.Is(err, outcome) {
			t.Fatal(err)
		}
	}
	want := `holdfast_commit_actions_total{queue="background"} 3
holdfast_commit_actions_total{queue="foreground"} 0
holdfast_commit_queue_length{queue="background"} 0
holdfast_commit_queue_length{queue="foreground"} 0
holdfast_commit_queue_wait_seconds_count{queue="background"} 3
holdfast_commits_total{result="committed"} 3
holdfast_commits_total{result="conflict"} 0
holdfast_commits_total{result="failed"} 0
`
	got := scraped(t, s, "holdfast_commit_actions", "holdfast_commit_queue_length",
		`holdfast_commit_queue_wait_seconds_count{queue="background"`, "holdfast_commits")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the metrics are (-want +got):\n%s", diff)
	}
}
