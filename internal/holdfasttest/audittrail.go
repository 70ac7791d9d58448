package holdfasttest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Logged calls do, and returns the entries that it has written into the audit log.
func Logged(t testing.TB, r store.Reader, do func()) (fresh []party.AuditEntry) {
	t.Helper()
	all := func() (entries []party.AuditEntry) {
		for e, err := range r.AuditLog(t.Context(), store.AuditQuery{Limit: 1000}) {
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		return entries
	}
	before := map[string]bool{}
	for _, e := range all() {
		before[e.ID] = true
	}
	do()
	for _, e := range all() {
		if !before[e.ID] {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// An AuditTrail collects which entries of the audit log the tests of a package find
// for each thing that can be done, such as a form or a command.
type AuditTrail struct {
	mu    sync.Mutex
	found map[string]map[party.AuditAction]bool
}

// Note notes that a thing was done, and which entries it wrote.
func (a *AuditTrail) Note(what string, actions ...party.AuditAction) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found == nil {
		a.found = map[string]map[party.AuditAction]bool{}
	}
	if a.found[what] == nil {
		a.found[what] = map[party.AuditAction]bool{}
	}
	for _, action := range actions {
		a.found[what][action] = true
	}
}

// Faults compares what was found with the decisions. A decision has the actions that the
// thing must write in the tests, separated by blanks, and those that it may write, which
// begin with "?". "" means that it writes no entry. With all, everything must have been
// done.
func (a *AuditTrail) Faults(decided map[string]string, all bool) (faults []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(decided)) {
		found, done := a.found[what]
		want := strings.Fields(decided[what])
		for action := range found {
			if !slices.Contains(want, string(action)) && !slices.Contains(want, "?"+string(action)) {
				faults = append(faults, fmt.Sprintf("%s writes %s into the audit log, which was not decided", what, action))
			}
		}
		if !all {
			continue
		}
		for _, action := range want {
			switch {
			case action[0] == '?' || found[party.AuditAction(action)]:
			case !done:
				faults = append(faults, fmt.Sprintf("no test has done %s, which writes %s into the audit log", what, action))
			default:
				faults = append(faults, fmt.Sprintf("%s does not write %s into the audit log", what, action))
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(a.found)) {
		if _, known := decided[what]; !known {
			faults = append(faults, fmt.Sprintf("nobody has decided what %s writes into the audit log", what))
		}
	}
	return faults
}

// WantDecided fails the test unless somebody has decided for each thing, and for no
// others, which entries it writes. kind is the word for such a thing.
func WantDecided(t testing.TB, kind string, things []string, decided map[string]string) {
	t.Helper()
	for _, thing := range things {
		if _, known := decided[thing]; !known {
			t.Errorf("nobody has decided what the %s %s writes into the audit log", kind, thing)
		}
	}
	for _, thing := range slices.Sorted(maps.Keys(decided)) {
		if !slices.Contains(things, thing) {
			t.Errorf("there is no %s %s", kind, thing)
		}
	}
}

// Run runs the tests of a package and compares their trail with the decisions. If only
// some tests run, it does not ask for everything to be done.
func (a *AuditTrail) Run(m interface{ Run() int }, decided map[string]string) (code int) {
	code = m.Run()
	if code != 0 {
		return code
	}
	for _, fault := range a.Faults(decided, AllTestsRun()) {
		fmt.Fprintln(os.Stderr, fault)
		code = 1
	}
	return code
}

// AllTestsRun reports whether no flag chooses some of the tests.
func AllTestsRun() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
