package webui_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// downloads is a server that sends a file, and whose time for an answer is over before
// it begins.
func downloads(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.Config.WriteTimeout = time.Nanosecond
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// A file may take longer than the server's time for an answer, and says how long it is.
func TestADownloadOutlivesTheTimeForAnAnswer(t *testing.T) {
	whole := strings.Repeat("a line of the file\n", 100_000)
	s := downloads(t, func(w http.ResponseWriter, _ *http.Request) {
		err := webui.Download{Name: "a.csv", Type: "text/csv"}.Send(w, func(to io.Writer) error {
			_, err := io.WriteString(to, whole)
			return err
		}, func(err error) { t.Error(err) })
		if err != nil {
			t.Error(err)
		}
	})
	got, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || string(text) != whole || got.ContentLength != int64(len(whole)) {
		t.Errorf("got %d bytes of %d, %v", len(text), got.ContentLength, err)
	}
}

// A browser that has stopped reading does not hold the file for ever.
func TestADownloadThatNobodyReadsEnds(t *testing.T) {
	ended := make(chan error, 1)
	s := downloads(t, func(w http.ResponseWriter, _ *http.Request) {
		err := webui.SendWithin(w, time.Millisecond, func(to io.Writer) error {
			_, err := io.WriteString(to, strings.Repeat("x", 64<<20)) // more than all buffers between them
			return err
		}, func(err error) { ended <- err })
		if err != nil {
			t.Error(err)
		}
	})
	got, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if err := <-ended; err == nil {
		t.Error("the file was sent to a browser that does not read it")
	}
	if _, err := io.Copy(io.Discard, got.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the browser sees %v, want a file that broke off", err)
	}
}

// A file that cannot be completed is not begun.
func TestADownloadThatFailsSendsNothing(t *testing.T) {
	w, broken := httptest.NewRecorder(), errors.New("the store is gone")
	err := webui.Download{Name: "a.csv", Type: "text/csv"}.Send(w, func(to io.Writer) error {
		_, _ = io.WriteString(to, "the first lines")
		return broken
	}, func(error) {})
	if !errors.Is(err, broken) || w.Body.Len() > 0 || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("it is %v, with %q and %v", err, w.Body, w.Header())
	}
}
