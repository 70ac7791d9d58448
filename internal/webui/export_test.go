package webui

import (
	"io"
	"net/http"
	"time"
)

// SendWithin sends a file with other limits: the time for a piece, and the time for a
// whole file in addition to the time for its size.
func SendWithin(
	w http.ResponseWriter, piece, all time.Duration, write func(io.Writer) error, gone func(error),
) error {
	return Download{Name: "a.csv", Type: "text/csv"}.send(w, write, gone, pace{piece, all})
}

// DownloadsOfParty is how many files a party may be sent at the same time.
const DownloadsOfParty = downloadsOfParty
