package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A fakeFeed answers /v1/events with pages of two events, as the server does.
type fakeFeed struct {
	*httptest.Server
	mu     sync.Mutex
	events []string
	faults int // answers of 503 that come first
}

func newFakeFeed(t *testing.T, events ...string) *fakeFeed {
	t.Helper()
	f := &fakeFeed{events: events}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeFeed) add(events ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, events...)
}

func (f *fakeFeed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.URL.Path != "/v1/events":
		http.NotFound(w, r)
		return
	case r.Header.Get("Authorization") != "Bearer hf_test_right":
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"code":"invalid_key","detail":"The key is unknown."}`)
		return
	case f.faults > 0:
		f.faults--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.URL.Query().Has("object") { // of which there are no events
		fmt.Fprintf(w, `{"data":[],"has_more":false,"next":"%d"}`, len(f.events))
		return
	}
	begin := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("after"), &begin) // empty is the beginning
	end := min(begin+2, len(f.events))
	fmt.Fprintf(w, `{"data":[%s],"has_more":%v,"next":"%d"}`, strings.Join(f.events[begin:end], ","), end < len(f.events), end)
}

func feedEventText(n int, kind string) string {
	return fmt.Sprintf(`{"id":"evt_a_%d_X","type":%q,"object_id":"a","sequence":%d,"data":{"n": %d}}`, n, kind, n, n)
}

// listening runs the command until the test ends. It returns what the command
// prints, line by line.
func listening(t *testing.T, args ...string) *bufio.Scanner {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hf_test_right\n"), privateMode); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	var said bytes.Buffer
	go func() {
		ended <- run(ctx, append([]string{"listen", "--key-file", key, "--every", "5ms"}, args...),
			world{Out: writer, Err: &said, Now: time.Now})
		writer.Close()
	}()
	t.Cleanup(func() {
		stop()
		go func() { _, _ = io.Copy(io.Discard, reader) }()
		if code := <-ended; code != exitFine {
			t.Errorf("the command ends with %d\n%s", code, &said)
		}
	})
	return bufio.NewScanner(reader)
}

var printedSecret = regexp.MustCompile(`whsec_\S+`)

// New events are sent to the program as they are in the feed, signed with the secret
// that is printed. What happened before is not.
func TestListenForwardsEvents(t *testing.T) {
	feed := newFakeFeed(t, feedEventText(1, "hold.held"), feedEventText(2, "hold.held"), feedEventText(3, "hold.held"))
	type arrival struct {
		body   string
		header http.Header
	}
	arrived := make(chan arrival, 10)
	var refused atomic.Bool
	refused.Store(true)
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if refused.Swap(false) {
			w.WriteHeader(http.StatusTooEarly)
			return
		}
		arrived <- arrival{string(body), r.Header}
	}))
	defer program.Close()
	out := listening(t, "--server", feed.URL+"/", "--forward-to", program.URL+"/hook", "--types", "hold.*")
	if !out.Scan() {
		t.Fatal("nothing is printed")
	}
	verifier, err := standardwebhooks.NewWebhook(printedSecret.FindString(out.Text()))
	if err != nil {
		t.Fatalf("%q has no secret: %v", out.Text(), err)
	}
	feed.mu.Lock()
	feed.faults = 2
	feed.mu.Unlock()
	feed.add(feedEventText(4, "hold.settled"), feedEventText(5, "refund.pending"), feedEventText(6, "hold.released"))
	var lines []string
	for len(lines) < 3 && out.Scan() {
		lines = append(lines, strings.Join(strings.Fields(out.Text())[2:], " "))
	}
	if diff := cmp.Diff([]string{
		"hold.settled evt_a_4_X 425 Too Early", "hold.settled evt_a_4_X 200 OK", "hold.released evt_a_6_X 200 OK",
	}, lines); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	for _, want := range []string{feedEventText(4, "hold.settled"), feedEventText(6, "hold.released")} {
		got := <-arrived
		if got.body != want {
			t.Errorf("arrived %s, want %s", got.body, want)
		}
		if err := verifier.Verify([]byte(got.body), got.header); err != nil {
			t.Errorf("the library refuses %s: %v", got.body, err)
		}
	}
}

// A key that the server refuses ends the command, with the server's words.
func TestListenWithAWrongKey(t *testing.T) {
	feed := newFakeFeed(t)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("hf_test_wrong\n"), privateMode); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	code := run(t.Context(), []string{
		"listen", "--server", feed.URL, "--key-file", key, "--forward-to", "http://localhost:1/",
	}, world{Out: io.Discard, Err: &said, Now: time.Now})
	if code != exitFailed || !strings.Contains(said.String(), "401 Unauthorized: The key is unknown.") {
		t.Errorf("exit code %d\n%s", code, &said)
	}
	if strings.Contains(said.String(), "hf_test_wrong") {
		t.Error("the key is printed")
	}
}
