package browser

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// A watch records what none of our pages may do: violate its content security
// policy, log to the console, fetch from another origin, or put a card number
// into an address.
type watch struct {
	mu      sync.Mutex
	allowed []string
	faults  []string
}

// see receives each event of a page, in order.
func (w *watch) see(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceNetwork &&
			strings.Contains(e.Entry.Text, "the server responded with a status of") {
			return // a refused form, which the page itself shows
		}
		w.fault("the browser says (%s, %s): %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		w.fault("a script writes to the console (%s)", e.Type)
	case *runtime.EventExceptionThrown:
		w.fault("a script failed: %s", e.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		w.request(e)
	}
}

// cardNumber matches numbers as long as the test cards.
var cardNumber = regexp.MustCompile(`\b\d{13,19}\b`)

// request checks a fetch of a page. Documents are targets of links and forms,
// and may be anywhere on this machine. The browser's own pages are ignored, and so
// are the pictures in its own fields for dates: the policy of our pages allows no
// such pictures.
func (w *watch) request(e *network.EventRequestWillBeSent) {
	if strings.HasPrefix(e.DocumentURL, "chrome-error:") || strings.HasPrefix(e.Request.URL, "data:image/svg+xml;") {
		return
	}
	may := origin(e.DocumentURL) == origin(e.Request.URL)
	if e.Type == network.ResourceTypeDocument {
		may = onThisMachine(e.Request.URL)
	}
	if cardNumber.MatchString(e.Request.URL) {
		w.fault("the address of a %s has a card's number in it: %s", e.Type, e.Request.URL)
	}
	if !may {
		w.fault("a page fetches %s (%s), and is %s", e.Request.URL, e.Type, e.DocumentURL)
	}
}

func (w *watch) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// allow permits faults whose text has these words. The test fails if there is
// no such fault.
func (w *watch) allow(words string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, words)
}

func (w *watch) report(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	met := make(map[string]bool)
	for _, fault := range w.faults {
		at := slices.IndexFunc(w.allowed, func(words string) bool { return strings.Contains(fault, words) })
		if at < 0 {
			t.Error(fault)
			continue
		}
		met[w.allowed[at]] = true
	}
	for _, words := range w.allowed {
		if !met[words] {
			t.Errorf("no page had the permitted fault %q", words)
		}
	}
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return host == "127.0.0.1" || host == "::1" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
