package main

import (
	"bytes"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/manual"
	"github.com/holdfast-pay/holdfast/internal/welcome"
)

// welcome answers browsers at the root and at unknown paths.
func (s *server) welcome() http.Handler {
	page := &welcome.Server{
		API: s.PublicURL.String(), Account: account.Root, Manual: manual.Path, Schema: "/doc/" + holdfast.VersionNewest +
			"/AmazonFPS.xsd", Log: s.Log,
	}
	if s.hasInbox() {
		page.Inbox = inbox.Path
	}
	return page.Handler()
}

// demoLogoPath is the path of the shop's logo on the demo's payment pages. It
// is on their own server, because the demo's shop has no https.
const demoLogoPath = "/demo/logo.svg"

// logo serves the shop's logo in a demo. Other servers have no such path.
func (s *server) logo(nothing http.Handler) http.Handler {
	if s.Logo == nil {
		return nothing
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.Logo))
	})
}
