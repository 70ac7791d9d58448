package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	logDelay    = 50 * time.Millisecond
	logBytesMax = 64 << 10
)

// A logBuffer writes the lines of the log together, because a system call for
// each line costs more than the line. A line waits for at most 50 ms. A process
// that is killed loses those that wait.
type logBuffer struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	timed   bool // a flush will come
}

// Write implements [io.Writer]. slog passes one line.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, line...)
	switch {
	case len(b.waiting) >= logBytesMax:
		return len(line), b.write()
	case !b.timed:
		b.timed = true
		time.AfterFunc(logDelay, b.flush)
	}
	return len(line), nil
}

func (b *logBuffer) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timed = false
	_ = b.write() // there is no other place to say that the log cannot be written
}

func (b *logBuffer) write() error {
	if len(b.waiting) == 0 {
		return nil
	}
	_, err := b.to.Write(b.waiting)
	b.waiting = b.waiting[:0]
	return err
}

// A logHandler writes warnings and errors at once, with the lines before them.
type logHandler struct {
	slog.Handler
	buffer *logBuffer
}

// Handle implements [slog.Handler].
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.buffer.flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs), h.buffer}
}

// WithGroup implements [slog.Handler].
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name), h.buffer}
}

// newLog makes the log. flush writes the lines that wait.
func newLog(to io.Writer, c cli) (log *slog.Logger, flush func()) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if c.Verbose {
		options.Level = slog.LevelDebug
	}
	buffer := &logBuffer{to: to}
	var handler slog.Handler = slog.NewTextHandler(buffer, options)
	if c.LogJSON {
		handler = slog.NewJSONHandler(buffer, options)
	}
	return slog.New(logHandler{handler, buffer}), buffer.flush
}
