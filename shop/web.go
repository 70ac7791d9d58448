package shop

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

var (
	//go:embed pages/*.html
	pageFiles embed.FS
	//go:embed static/*
	staticFiles embed.FS
)

const (
	formBytesMax  = 64 << 10
	cookieName    = "shop_cart"
	staticSeconds = "public, max-age=600"
)

// Handler serves the shop's pages and the packing bench.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.page(s.shelf))
	mux.Handle("GET /products/{id}", s.page(s.product))
	mux.Handle("GET /cart", s.page(s.cartPage))
	mux.Handle("POST /cart", s.page(s.addToCart))
	mux.Handle("POST /cart/lines/{id}", s.page(s.changeCart))

	mux.Handle("POST /pay", s.page(s.payNow))
	mux.Handle("GET /orders/{id}", s.page(s.thankYou))
	mux.Handle("GET /orders/{id}/paid", s.page(s.buyerReturns))
	mux.Handle("POST /orders/{id}/again", s.page(s.payAgain))

	mux.Handle("GET /bench", s.page(s.packing))
	mux.Handle("GET /bench/past", s.page(s.past))
	mux.Handle("GET /bench/stock", s.page(s.stockPage))
	mux.Handle("POST /bench/stock/{id}", s.page(s.addStock))
	mux.Handle("GET /bench/orders/{id}", s.page(s.packingOrder))
	mux.Handle("GET /bench/orders/{id}/parcels/{number}/slip", s.page(s.slip))
	mux.Handle("POST /bench/orders/{id}/ship", s.page(s.packingShip))
	mux.Handle("POST /bench/orders/{id}/withdraw", s.page(s.packingWithdraw))
	mux.Handle("POST /bench/orders/{id}/cancel", s.page(s.packingCancel))
	mux.Handle("POST /bench/orders/{id}/look", s.page(s.packingLook))
	mux.Handle("POST /bench/orders/{id}/refund", s.page(s.packingRefund))
	mux.Handle("POST /bench/orders/{id}/done", s.page(s.packingDone))

	mux.Handle("GET /static/", static())
	mux.Handle("/", s.page(func(http.ResponseWriter, *http.Request) error { return errNoPage }))
	// Forms are accepted only from the shop's own pages.
	return s.guarded(s.ownHosts(http.MaxBytesHandler(http.NewCrossOriginProtection().Handler(mux), formBytesMax)))
}

// guarded sets the headers with which browsers protect the pages.
func (s *Shop) guarded(next http.Handler) http.Handler {
	// form-action also applies to redirects after a form, and Pay now redirects to
	// the payment pages.
	policy := "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; base-uri 'none'; " +
		"frame-ancestors 'none'; form-action 'self'"
	if u, err := url.Parse(s.paymentPages); err == nil && u.Host != "" {
		policy += " " + u.Scheme + "://" + u.Host
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // only the buyer may know the address of an order's page
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// A pageError is an error page for people.
type pageError struct {
	status      int
	title, text string
}

func (e *pageError) Error() string { return e.title + ": " + e.text }

var errNoPage = &pageError{http.StatusNotFound, "Page not found", "This page does not exist, or no longer exists."}

// page serves a handler and turns its error into an error page. All pages use
// it.
func (s *Shop) page(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		if errors.Is(err, errNoOrder) {
			err = &pageError{
				http.StatusNotFound, "There is no such order",
				"The address is incomplete, or the order was never placed. If you have paid, write to us: nothing is lost.",
			}
		}
		answer, ok := errors.AsType[*pageError](err)
		if !ok {
			s.log.ErrorContext(r.Context(), "answering a page", "path", r.URL.Path, "err", err)
			answer = &pageError{
				http.StatusInternalServerError, "Something went wrong here",
				"The fault is ours. Nothing was charged because of it; please try again in a minute.",
			}
		}
		v := struct{ Title, Text string }{answer.title, answer.text}
		if err := s.render(w, r, answer.status, "error.html", v); err != nil {
			s.log.ErrorContext(r.Context(), "answering an error page", "path", r.URL.Path, "err", err)
		}
	})
}

func parsePages() (map[string]*template.Template, error) {
	functions := template.FuncMap{
		"dollars": dollars, "when": when, "howLong": howLong, "upTo": upTo, "country": countryName, "named": named,
		"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the pages: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		name := path.Base(file)
		if name == "layout.html" || name == "_parts.html" {
			continue
		}
		pages[name], err = template.New("layout.html").Funcs(functions).ParseFS(pageFiles, "pages/layout.html",
			"pages/_parts.html", file)
		if err != nil {
			return nil, fmt.Errorf("reading the page %s: %w", name, err)
		}
	}
	return pages, nil
}

// A layout has the values of the frame around each page.
type layout struct {
	Shop    string
	Pieces  int64 // in the cart
	Packing bool
	View    any
}

// render answers with a page. If the page fails, nothing of it is sent.
func (s *Shop) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) error {
	l := layout{Shop: s.name, Packing: r.URL.Path == "/bench" || strings.HasPrefix(r.URL.Path, "/bench/"), View: view}
	if session, ok := sessionOf(r); ok && !l.Packing {
		lines, err := cart(r.Context(), s.db, session)
		if err != nil {
			return err
		}
		for _, line := range lines {
			l.Pieces += line.Quantity
		}
	}
	var body bytes.Buffer
	if err := s.pages[name].Execute(&body, l); err != nil {
		return fmt.Errorf("making the page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := body.WriteTo(w); err != nil {
		s.log.DebugContext(r.Context(), "sending a page", "page", name, "err", err)
	}
	return nil
}

func sessionOf(r *http.Request) (SessionID, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil || cookie.Value == "" || len(cookie.Value) > 64 {
		return "", false
	}
	return SessionID(cookie.Value), true
}

// session returns the browser's session, or starts a new one.
func (s *Shop) session(w http.ResponseWriter, r *http.Request) SessionID {
	if id, ok := sessionOf(r); ok {
		return id
	}
	id := s.newID()
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the shop is
		Name: cookieName, Value: id, Path: "/", MaxAge: int(cartLifeMax / time.Second),
		HttpOnly: true, Secure: strings.HasPrefix(s.publicURL, "https:"), SameSite: http.SameSiteLaxMode,
	})
	return SessionID(id)
}

// Logo returns the shop's logo, an SVG, for the payment pages.
func Logo() ([]byte, error) {
	text, err := staticFiles.ReadFile("static/logo.svg")
	if err != nil {
		return nil, fmt.Errorf("reading the logo: %w", err)
	}
	return text, nil
}

// static serves the pictures, scripts and the style sheet, which browsers may
// cache.
func static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := staticFiles.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(text)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		w.Header().Set("Cache-Control", staticSeconds)
		files.ServeHTTP(w, r)
	})
}

func seeOther(w http.ResponseWriter, r *http.Request, address string) error {
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // below a path of this shop, or a link the SDK made
	return nil
}
