// Package welcome is the page for people who open the API's address in a
// browser. It links to the account pages and to the pages about the API.
package welcome

import (
	"embed"
	"log/slog"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// A Server answers browsers at "/" and at unknown addresses.
type Server struct {
	API     string // the address for programs
	Account string // path of the account pages
	Inbox   string // path of the sandbox's inbox; empty without one
	Manual  string // path of the pages about the API
	Schema  string // path of the API's schema
	Log     *slog.Logger
}

// A welcomePage has the links of the page.
type welcomePage struct {
	Heading, Text string
	Server
}

// Handler makes the server's routes.
func (s *Server) Handler() http.Handler {
	return webui.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		words, status := webui.WordsFor(r), http.StatusOK
		page := welcomePage{words.T("welcome.heading"), words.T("welcome.text"), *s}
		if r.URL.Path != "/" {
			status = http.StatusNotFound
			page.Heading, page.Text = words.T("welcome.lost-heading"), words.T("welcome.lost-text")
		}
		w.Header().Set("Vary", "Accept, Accept-Language")
		layout := webui.Layout{Words: words, Title: page.Heading, Sandbox: s.Inbox != "", NoCheckout: true, Content: page}
		if err := pages.Render(w, status, "welcome", layout); err != nil {
			s.Log.Error("the page at the root cannot be shown", "error", err)
			http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		}
	}))
}
