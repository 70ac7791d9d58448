package webui

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// A Download is a file that a browser saves.
type Download struct{ Name, Type string }

// A piece of a file must reach the browser within stallMax. So a browser may take any
// time for a file, and one that has stopped reading is hung up on.
const (
	downloadPiece = 64 << 10
	stallMax      = time.Minute
)

// Send makes a file on the disk and then sends it. So a browser that reads slowly holds
// no connection to the database, and a file that cannot be completed is not begun: Send
// returns the error, and nothing is sent. The browser knows the size of the file, so it
// notices a file that breaks off. Only the server's user can read the file on the disk,
// and it is removed at the end.
//
// gone is called with the error if the browser did not take the whole file.
func (d Download) Send(w http.ResponseWriter, write func(io.Writer) error, gone func(error)) error {
	return d.send(w, write, gone, stallMax)
}

func (d Download) send(
	w http.ResponseWriter, write func(io.Writer) error, gone func(error), stall time.Duration,
) (err error) {
	file, err := os.CreateTemp("", "holdfast-file-")
	if err != nil {
		return fmt.Errorf("making a file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
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
	for sent := int64(0); sent < size; {
		hangUp := time.AfterFunc(stall, func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
		n, err := io.CopyN(w, file, min(downloadPiece, size-sent))
		hangUp.Stop()
		if err != nil {
			gone(err)
			return nil
		}
		sent += n
	}
	return nil
}
