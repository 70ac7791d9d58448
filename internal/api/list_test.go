package api

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A cursor belongs to one caller, one list and its filters.
func TestCursorOf(t *testing.T) {
	holds, payments := &route{operation: operation{id: "list-holds"}}, &route{operation: operation{id: "list-payments"}}
	of := func(c party.CallerID, r *route) *request { return &request{caller: party.Caller{ID: c}, route: r} }
	want := cursor{at: time.Date(2026, 11, 23, 10, 15, 30, 1000, time.UTC), id: "1T1"}
	text := want.text(of("C1", holds), "held")
	if got, err := of("C1", holds).cursorOf(text, "held"); got != want || err != nil {
		t.Errorf("the cursor is %+v, %v", got, err)
	}
	for name, q := range map[string]*request{"another caller": of("C2", holds), "another list": of("C1", payments)} {
		if _, err := q.cursorOf(text, "held"); !isCursorProblem(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := of("C1", holds).cursorOf(text, ""); !isCursorProblem(err) {
		t.Errorf("other filters: %v", err)
	}
}

func isCursorProblem(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code == InvalidCursor
}
