package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A resume that is refused has dropped nothing, so the operator may still decide
// otherwise.
func TestARefusedResumeDropsNothing(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		for why, row := range map[string]struct {
			age  time.Duration
			want string
		}{
			"the backup is too old":       {31 * 24 * time.Hour, "the backup is older than 30 days"},
			"a network refuses to answer": {time.Hour, "not all card networks could be asked"},
		} {
			t.Run(why+" on "+name, func(t *testing.T) {
				at := address(t)
				db := holdfasttest.Open(t, at)
				w := holdfasttest.NewWorld(t, db)
				fake := w.AtStripe("http://127.0.0.1:1/networks/N1/events")
				w.Reserved("9.00", "order-1")
				fake.Script(stripefake.Script{Path: "/v1/*", Do: stripefake.WrongKey, Times: -1})
				now := processor.Micro(time.Now())
				if err := db.MarkRestored(t.Context(), now.Add(-row.age), now); err != nil {
					t.Fatal(err)
				}
				before, err := db.Undelivered(t.Context())
				if err != nil || before.Notices.Rows == 0 {
					t.Fatalf("what waits: %+v (%v)", before, err)
				}
				out, code := holdfastCommand(t, "resume", "--store", at, "--drop-all")
				if code != exitFailed || !strings.Contains(out, row.want) {
					t.Errorf("exit code %d\n%s", code, out)
				}
				after, err := db.Undelivered(t.Context())
				if diff := cmp.Diff(before, after); err != nil || diff != "" {
					t.Errorf("what waits (%v, -before +after):\n%s", err, diff)
				}
				out, code = holdfastCommand(t, "resume", "--store", at, "--drop-all", "--skip-networks")
				if code != exitFine || !strings.Contains(out, "The store is resumed. 1 notice") {
					t.Errorf("without the networks: exit code %d\n%s", code, out)
				}
			})
		}
	}
}
