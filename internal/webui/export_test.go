package webui

import (
	"io"
	"net/http"
	"time"
)

// SendWithin sends a file of which each piece must be taken within a time.
func SendWithin(w http.ResponseWriter, stall time.Duration, write func(io.Writer) error, gone func(error)) error {
	return Download{"a.csv", "text/csv"}.send(w, write, gone, stall)
}
