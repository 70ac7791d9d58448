package webui

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// A Download is a file that a browser saves. Party is the party that asked for it.
type Download struct{ Name, Type, Party string }

// A piece of a file must reach the browser within stallMax, and the whole file within
// allMax and a second for each slowest bytes. The server breaks the connection to a
// browser that reads more slowly.
const (
	downloadPiece = 64 << 10
	stallMax      = time.Minute
	allMax        = 10 * time.Minute
	slowest       = 16 << 10
)

// Files that are made or sent at the same time.
const (
	downloadsOfParty = 3
	downloadsMax     = 50
)

// ErrDownloads refuses a file because too many are being sent. [BusyAfter] is when to
// try again.
var ErrDownloads = errors.New("too many files are being sent")

// BusyAfter is the Retry-After of the answer to ErrDownloads, in seconds.
const BusyAfter = "30"

// Downloads counts the files that a server is sending. The zero value is ready.
type Downloads struct {
	mu  sync.Mutex
	of  map[string]int // by party
	all int
}

func (d *Downloads) begin(party string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= downloadsMax || d.of[party] >= downloadsOfParty {
		return false
	}
	if d.of == nil {
		d.of = make(map[string]int)
	}
	d.all++
	d.of[party]++
	return true
}

func (d *Downloads) end(party string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.of[party]--; d.of[party] == 0 {
		delete(d.of, party)
	}
}

// Send makes a file on the disk and then sends it. So a browser that reads slowly holds
// no connection to the database, and a file that cannot be completed is not begun: Send
// returns the error, and nothing is sent. The browser knows the size of the file, so it
// notices a file that breaks off. Only the server's user can read the file on the disk.
// It is removed as soon as it is open, so it does not outlive a server that is killed.
//
// gone is called with the error if the browser did not take the whole file. Send returns
// ErrDownloads if too many files are being sent already.
func (d *Downloads) Send(
	w http.ResponseWriter, file Download, write func(io.Writer) error, gone func(error),
) error {
	if !d.begin(file.Party) {
		return ErrDownloads
	}
	defer d.end(file.Party)
	return file.send(w, write, gone, pace{stallMax, allMax})
}

// A pace is how long a piece may take, and a whole file in addition to the time for its
// size.
type pace struct{ piece, all time.Duration }

func (d Download) send(
	w http.ResponseWriter, write func(io.Writer) error, gone func(error), most pace,
) (err error) {
	file, err := os.CreateTemp("", "holdfast-file-")
	if err != nil {
		return fmt.Errorf("making a file: %w", err)
	}
	removed := os.Remove(file.Name()) == nil
	defer func() {
		err = errors.Join(err, file.Close())
		if !removed { // Windows removes no open file
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("lifting the time limit of a file: %w", err)
	}
	if err := write(file); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("reading a file again: %w", err)
	}
	w.Header().Set("Content-Type", d.Type)
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set("Content-Disposition", `attachment; filename="holdfast-`+d.Name+`"`)
	hangUp := func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) }
	defer time.AfterFunc(most.all+time.Duration(size/slowest)*time.Second, hangUp).Stop()
	for sent := int64(0); sent < size; {
		stalled := time.AfterFunc(most.piece, hangUp)
		n, err := io.CopyN(w, file, min(downloadPiece, size-sent))
		stalled.Stop()
		if err != nil {
			gone(err)
			return nil
		}
		sent += n
	}
	return nil
}
