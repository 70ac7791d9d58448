package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// tailing runs "events tail" on a store until the test ends, and returns its lines.
func tailing(t *testing.T, address string, args ...string) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	var said bytes.Buffer
	go func() {
		ended <- run(ctx, append([]string{"events", "tail", "--store", address}, args...),
			world{Out: writer, Err: &said, Now: time.Now})
		writer.Close()
	}()
	lines := make(chan string)
	go func() {
		defer close(lines)
		var text strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := reader.Read(buffer)
			text.Write(buffer[:n])
			for {
				line, rest, whole := strings.Cut(text.String(), "\n")
				if !whole {
					break
				}
				text.Reset()
				text.WriteString(rest)
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		go func() {
			for range lines { // nobody reads them any more
			}
		}()
		if code := <-ended; code != exitFine {
			t.Errorf("the command ends with %d\n%s", code, &said)
		}
	})
	return lines
}

func nextLine(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(30 * time.Second):
		t.Fatal("nothing more is printed")
		return ""
	}
}

// The command prints events as they get their places in the feed: from a cursor on,
// or from now on, and only those of some types.
func TestEventsTail(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.StartEvents()
	place := func() {
		t.Helper()
		if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := w.Reserved("10.00", "order-1")
	place()
	var cursor payment.EventCursor
	err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
		page, err := tx.Events(w.Shop.ID, store.EventQuery{Limit: 1}) // hold.pending
		cursor = page.Events[0].Cursor()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	after := tailing(t, address, "--json", "--after", string(cursor), "--types", "hold.held,hold.settled")
	read := func() (a feedAnswer) {
		t.Helper()
		if err := json.Unmarshal([]byte(nextLine(t, after)), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if got := read(); got.Event.Type != payment.EventHoldHeld || got.Event.ObjectID != string(first.ID) || got.Cursor == "" {
		t.Errorf("printed is %s of %s", got.Event.Type, got.Event.ObjectID)
	}
	if _, err := w.Settle(first.ID, "10.00"); err != nil {
		t.Fatal(err)
	}
	place()
	if got := read(); got.Event.Type != payment.EventHoldSettled || got.Event.Seq != 4 {
		t.Errorf("printed is %s, number %d", got.Event.Type, got.Event.Seq)
	}

	// Without a cursor, what has happened before is not printed.
	now := tailing(t, address)
	var table []string
	for n := 2; len(table) == 0; n++ {
		w.Reserved("10.00", holdfast.CallerReference(fmt.Sprint("order-", n)))
		place()
		select {
		case line := <-now:
			table = append(table, line)
		case <-time.After(100 * time.Millisecond): // it may not have begun
		}
	}
	if head := strings.Fields(table[0]); strings.Join(head, " ") != "TIME TYPE OBJECT SEQUENCE EVENT" {
		t.Errorf("the table begins with %q", table[0])
	}
	for {
		line := nextLine(t, now)
		if strings.Contains(line, string(first.ID)) {
			t.Errorf("an event of before is printed: %s", line)
		}
		if strings.Contains(line, "hold.held") {
			break
		}
	}
}

// A list says that it was cut. A rare event is found, however many others come before it.
func TestListsSayThatTheyAreCut(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	crowd := w.Crowd(address, 5_010)
	writeLetters(t, address, "ann@example.com", "bob@example.com")
	for _, list := range []string{"events list", "webhook deliveries " + string(crowd.Endpoint.ID), "mail list"} {
		out := onStore(t, address, append(strings.Fields(list), "--max", "1")...)
		if lines := strings.Count(out, "\n"); lines != 3 || !strings.Contains(out, "There are more than 1; ") {
			t.Errorf("%s --max 1 prints\n%s", list, out)
		}
	}
	if out := onStore(t, address, "mail", "list", "--max", "2"); strings.Contains(out, "There are more") {
		t.Errorf("two mails are printed as\n%s", out)
	}
	late := w.Reserved("1.00", "late")
	if _, err := w.Settle(late.ID, "1.00"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := onStore(t, address, "events", "list", "--types", "hold.settled"); !strings.Contains(out, string(late.ID)) {
		t.Errorf("the settled holds are\n%s", out)
	}
}
