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

// A watch remembers what no page of ours may do: break its own content security
// policy, complain on the console, fetch anything from another origin, or write a
// card's number into an address.
type watch struct {
	mu      sync.Mutex
	allowed []string
	faults  []string
}

// see is called with each event of a page, in order.
func (w *watch) see(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceNetwork &&
			strings.Contains(e.Entry.Text, "the server responded with a status of") {
			return // a refused form, which the page itself says
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

// cardNumber is as long as those that a test types.
var cardNumber = regexp.MustCompile(`\b\d{13,19}\b`)

// request judges what a page fetches. Documents are where a link or a form leads,
// and may be anywhere on this machine. The browser's own pages are its business.
func (w *watch) request(e *network.EventRequestWillBeSent) {
	if strings.HasPrefix(e.DocumentURL, "chrome-error:") {
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

// allow lets the pages be at fault in one way, which has these words in it. The
// test fails if they never are.
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
			t.Errorf("no page was at fault with %q", words)
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
