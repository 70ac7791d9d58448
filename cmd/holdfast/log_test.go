package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// writes keeps what is written, and tells when.
type writes struct {
	mu   sync.Mutex
	all  []string
	told chan struct{}
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	select {
	case w.told <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *writes) text() (text string, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.all, ""), len(w.all)
}

// Many lines are written together, each once and in order, by themselves after a
// moment. A warning is written at once, with the lines before it.
func TestLogIsWrittenTogether(t *testing.T) {
	to := &writes{told: make(chan struct{}, 1)}
	log, flush := newLog(to, cli{})
	for i := range 20 {
		log.Info("line", "number", i)
	}
	var text string
	for !strings.Contains(text, "number=19\n") {
		<-to.told
		text, _ = to.text()
	}
	for i := range 20 {
		if strings.Count(text, fmt.Sprintf("number=%d\n", i)) != 1 {
			t.Errorf("line %d is not there once:\n%s", i, text)
		}
	}
	if strings.Index(text, "number=3\n") > strings.Index(text, "number=17\n") {
		t.Errorf("the lines are out of order:\n%s", text)
	}

	log.With("of", "with").Info("before")
	log.With("of", "with").WithGroup("g").Warn("look")
	text, times := to.text()
	if !strings.HasSuffix(strings.TrimSpace(text), "msg=look of=with") || !strings.Contains(text, "msg=before of=with") {
		t.Errorf("a warning waits:\n%s", text)
	}
	if times > 11 {
		t.Errorf("22 lines took %d writes", times)
	}

	long := strings.Repeat("x", logBytesMax)
	log.Info(long)
	if text, _ := to.text(); !strings.Contains(text, long) {
		t.Error("more than the buffer holds waits")
	}
	log.Info("the end")
	flush()
	if text, _ := to.text(); !strings.Contains(text, `msg="the end"`) {
		t.Error("flush leaves lines")
	}
	_, before := to.text()
	flush()
	if _, after := to.text(); after != before {
		t.Error("a flush with nothing to write writes")
	}
}
