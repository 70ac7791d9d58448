package main

import (
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

var crowded = flag.Int("crowd", 100_000, "rows of each kind in the store of BenchmarkLists")

// BenchmarkLists runs the commands that list, in a store with 100,000 rows of each kind.
// The time is that of the whole program. The version command shows what the program
// takes to start.
func BenchmarkLists(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			at := address(b)
			w := holdfasttest.NewWorld(b, holdfasttest.Open(b, at))
			w.Clock.Advance(time.Since(w.Clock.Now())) // the commands have the machine's clock
			crowd := w.Crowd(at, *crowded)
			middle := fmt.Sprintf("%09d", crowd.Count/2)
			hook := string(crowd.Endpoint.ID)
			for _, command := range []string{
				"version", "holds due", "holds list", "holds list --state held", "find crowd-S-" + middle, "find crowd-S",
				"find " + w.Buyer.Email,
				"party find " + middle + "@crowd.example.test",
				"notification list", "notification list --failing", "notification list --receiver shop.example.test",
				"notification list --given-up --receiver host-" + middle,
				"webhook deliveries " + hook, "webhook deliveries " + hook + " --outcome GivenUp",
				"webhook deliveries " + hook + " --outcome Delivered", "webhook deliveries --receiver hooks.example.test",
				"events list", "audit list", "key list",
				"report settlements --month " + w.CallerNow().Format("2006-01"),
			} {
				b.Run(command, func(b *testing.B) {
					args := strings.Fields(command)
					if command != "version" {
						args = append(args, "--store", at)
					}
					lines := 0
					for b.Loop() {
						out, err := exec.CommandContext(b.Context(), "holdfast", args...).CombinedOutput()
						if err != nil {
							b.Fatalf("holdfast %s: %v: %.300s", command, err, out)
						}
						lines = strings.Count(string(out), "\n")
					}
					ms := float64(b.Elapsed().Microseconds()) / 1000 / float64(b.N) //nolint:forbidigo // a time
					b.ReportMetric(ms, "ms/command")
					b.ReportMetric(float64(lines), "lines") //nolint:forbidigo // a count
				})
			}
		})
	}
}
