// Package manual serves the documentation of the API as HTML pages.
package manual

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Path is the path under which the pages are served.
const Path = "/doc/"

//go:embed templates/*.html
var templateFiles embed.FS

var pages = mustParse()

func mustParse() *webui.Pages {
	files, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		panic("manual: " + err.Error()) // the files are embedded, and a test renders every page
	}
	parsed, err := webui.ParsePages(files)
	if err != nil {
		panic("manual: " + err.Error())
	}
	return parsed
}

// A Server serves pages that are rendered from its files.
type Server struct {
	Files fs.FS // Markdown, and files that it links to
	Log   *slog.Logger

	once  sync.Once
	files map[string]served // by path
}

// A served file is an answer that is ready to send.
type served struct {
	contentType string
	body        []byte
	etag        string
}

// Handler serves the pages, and passes requests for other addresses to next.
func (s *Server) Handler(next http.Handler) http.Handler {
	own := webui.Secure(http.HandlerFunc(s.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.made()[r.URL.Path]; ok || r.URL.Path+"/" == Path {
			own.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := s.made()[r.URL.Path]
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the pages are only read", http.StatusMethodNotAllowed)
	case !ok:
		webui.Redirect(w, r, Path)
	default:
		h := w.Header()
		h.Set("Content-Type", file.contentType)
		h.Set("ETag", file.etag)
		// After an upgrade the styles have another address, so browsers must
		// revalidate pages.
		h.Set("Cache-Control", "public, no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
	}
}

// made returns the files by their paths. They are rendered once, at the first
// request.
func (s *Server) made() map[string]served {
	s.once.Do(func() {
		var err error
		if s.files, err = makeFiles(s.Files); err != nil {
			s.Log.Error("the pages about the API cannot be made", "error", err)
		}
	})
	return s.files
}

func newServed(contentType string, body []byte) served {
	sum := sha256.Sum256(body)
	return served{contentType, body, `"` + hex.EncodeToString(sum[:8]) + `"`}
}
