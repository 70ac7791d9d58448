package webui_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
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
		err := new(webui.Downloads).Send(w, webui.Download{Name: "a.csv", Type: "text/csv"}, func(to io.Writer) error {
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
	wantHungUp(t, time.Millisecond, time.Hour, 64<<20) // more than all buffers between them
}

// A browser that takes each piece in time, and the whole file too slowly, is hung up on.
func TestADownloadThatTakesTooLongEnds(t *testing.T) {
	wantHungUp(t, time.Hour, -time.Hour, 40<<20)
}

func wantHungUp(t *testing.T, piece, all time.Duration, size int) {
	t.Helper()
	ended := make(chan error, 1)
	s := downloads(t, func(w http.ResponseWriter, _ *http.Request) {
		err := webui.SendWithin(w, piece, all, func(to io.Writer) error {
			_, err := io.WriteString(to, strings.Repeat("x", size))
			return err
		}, func(err error) { ended <- err })
		if err != nil {
			t.Error(err)
		}
	})
	got, err := s.Client().Get(s.URL)
	if err := <-ended; err == nil {
		t.Error("the file was sent to a browser that does not read it")
	}
	if err == nil { // else it broke off before its first byte
		defer got.Body.Close()
		_, err = io.Copy(io.Discard, got.Body)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("the browser sees %v, want a file that broke off", err)
	}
}

// A file that cannot be completed is not begun.
func TestADownloadThatFailsSendsNothing(t *testing.T) {
	w, broken := httptest.NewRecorder(), errors.New("the store is gone")
	err := new(webui.Downloads).Send(w, webui.Download{Name: "a.csv", Type: "text/csv"}, func(to io.Writer) error {
		_, _ = io.WriteString(to, "the first lines")
		return broken
	}, func(error) {})
	if !errors.Is(err, broken) || w.Body.Len() > 0 || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("it is %v, with %q and %v", err, w.Body, w.Header())
	}
}

// The file on the disk is gone before anything is written into it, so it does not outlive
// a server that is killed.
func TestADownloadLeavesNoFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows removes no open file")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	w := httptest.NewRecorder()
	err := new(webui.Downloads).Send(w, webui.Download{Name: "a.csv", Type: "text/csv"}, func(to io.Writer) error {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("the directory has %v, %v", left, err)
		}
		_, err := io.WriteString(to, "a line")
		return err
	}, func(err error) { t.Error(err) })
	if err != nil || w.Body.String() != "a line" {
		t.Errorf("it is %q, %v", w.Body, err)
	}
}

// A party is sent only a few files at the same time. Others are not affected.
func TestDownloadsAtTheSameTime(t *testing.T) {
	var all webui.Downloads
	send := func(party string, write func(io.Writer) error) error {
		file := webui.Download{Name: "a.csv", Type: "text/csv", Party: party}
		return all.Send(httptest.NewRecorder(), file, write, func(error) {})
	}
	nothing := func(io.Writer) error { return nil }
	open := 0
	var inside func(io.Writer) error
	inside = func(io.Writer) error {
		if open++; open < webui.DownloadsOfParty {
			return send("ann", inside)
		}
		if err := send("ann", nothing); !errors.Is(err, webui.ErrDownloads) {
			t.Errorf("one too many: %v", err)
		}
		return send("bob", nothing)
	}
	if err := send("ann", inside); err != nil {
		t.Error(err)
	}
	if err := send("ann", nothing); err != nil {
		t.Errorf("when the others have ended: %v", err)
	}
}
