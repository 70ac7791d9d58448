// Package inbox has the pages that show a sandbox's mails, in place of sending
// them.
package inbox

import (
	"embed"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Path is the path of the inbox.
const Path = "/inbox/"

// A Server answers all requests under Path. Mails have links that sign their
// reader in, so it answers only requests from this machine. A request from
// elsewhere finds no page, and neither does one whose host name an attacker may
// have pointed at this machine.
type Server struct {
	Store store.Reader
	Log   *slog.Logger
}

// mailsMax is the largest number of mails in the list.
const mailsMax = 100

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// The pages' own types.
type (
	listPage struct {
		Again string // the page's address
		Mails []listed
	}
	listed struct {
		store.Mail
		Address string // the mail's page
	}
	mailPage struct {
		store.Mail
		List string // the list's address
		Text []piece
	}
)

// Handler makes the server's routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"{$}", s.list)
	mux.HandleFunc("GET "+Path+"{mail}", s.mail)
	pages := webui.TellRoute(mux)
	return webui.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromHere(r) {
			http.NotFound(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))
}

// proxied are headers that only a proxy adds, in addition to the X-Forwarded
// headers.
var proxied = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Host", "X-Proxyuser-Ip",
	"True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip",
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	var mails []store.Mail
	err := s.Store.View(r.Context(), func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails("", mailsMax)
		return err
	})
	page := listPage{Again: Path}
	for _, m := range mails {
		page.Mails = append(page.Mails, listed{Mail: m, Address: Path + url.PathEscape(m.ID)})
	}
	s.render(w, r, err, "list", webui.WordsFor(r).T("inbox.title"), page)
}

func (s *Server) mail(w http.ResponseWriter, r *http.Request) {
	var m store.Mail
	var found bool
	err := s.Store.View(r.Context(), func(tx *store.ReadTx) (err error) {
		m, found, err = tx.Mail(r.PathValue("mail"))
		return err
	})
	if err == nil && !found {
		http.NotFound(w, r)
		return
	}
	s.render(w, r, err, "mail", m.Subject, mailPage{Mail: m, List: Path, Text: pieces(m.Text)})
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, err error, page, title string, content any) {
	if err == nil {
		err = pages.Render(w, http.StatusOK, page, webui.Layout{
			Words: webui.WordsFor(r), Title: title, Sandbox: true, NoCheckout: true, Content: content,
		})
	}
	if err != nil {
		s.Log.Error("the inbox cannot be shown", "error", err)
		http.Error(w, "the inbox cannot be shown", http.StatusInternalServerError)
	}
}

// fromHere reports whether a request comes from this machine, and names the
// host by an address or as localhost. An attacker's page could point any other
// name at this machine to read the mails (DNS rebinding). A proxy on this
// machine passes on requests of other machines; its headers show that.
func fromHere(r *http.Request) bool {
	for name := range r.Header {
		if slices.Contains(proxied, name) || strings.HasPrefix(name, "X-Forwarded") {
			return false
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := remote.Addr().Unmap()
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); !from.IsLoopback() &&
		(!ok || local.AddrPort().Addr().Unmap() != from) {
		return false
	}
	named := (&url.URL{Host: r.Host}).Hostname()
	_, err = netip.ParseAddr(named)
	return named == "localhost" || err == nil
}
