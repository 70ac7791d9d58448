package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// The command that find prints for an action is one that the program takes.
func TestCommandsForActions(t *testing.T) {
	of := processor.Case{
		Caller:  party.Caller{ID: "C1"},
		Payment: payment.Transaction{ID: "1MIT4PX0K7Q2"},
		Token:   payment.Token{ID: "T1"},
	}
	for _, action := range payment.Actions {
		for _, named := range []bool{false, true} {
			line := commandFor(of, action, named)
			parser := newParser(&cli{}, &settings{}, world{Out: io.Discard, Err: io.Discard, Now: time.Now}, func(int) {})
			words := strings.Fields(strings.ReplaceAll(line, "AMOUNT", "1.00"))
			if len(words) == 0 {
				t.Errorf("there is no command for %s", action)
			} else if _, err := parser.Parse(words[1:]); err != nil {
				t.Errorf("%s: %q: %v", action, line, err)
			}
		}
	}
}
