package cobranded

import (
	"cmp"
	"html/template"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// goBack sends the browser to the caller's site with what the visit came to,
// however often it asks.
//
// A browser goes by way of the return page. It would hold a redirect to the
// pages' form-action, and with it every redirect that the caller's own site adds:
// where that forbids one, the buyer stays on the last form without a word.
func (s *Server) goBack(c *call) error {
	if asksForPage(c.r) {
		return c.redirect("return")
	}
	address, err := s.wayBack(c)
	if err != nil {
		return err
	}
	webui.Redirect(c.w, c.r, address)
	return nil
}

// leaveWith is goBack with an end that is not kept, so that no other address can
// show it.
func (s *Server) leaveWith(c *call, end *payment.PipelineEnd) error {
	c.visit = c.visit.End(end.Status, end.Message, s.Now())
	c.visit.Answer = ""
	if !asksForPage(c.r) {
		return s.goBack(c)
	}
	status := http.StatusOK
	if end.Status == holdfast.ReturnSystemError {
		status = http.StatusServiceUnavailable
	}
	return s.renderReturn(c, status)
}

// asksForPage tells a browser from a program: browsers ask for HTML when they
// follow a link or send a form. A program gets the redirect itself.
func asksForPage(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// wayBack is the signed return URL of a visit that has ended. Only the sender is
// told of what they authorised.
func (s *Server) wayBack(c *call) (string, error) {
	v := c.visit
	answer := failed(&payment.PipelineEnd{Status: v.Status, Message: v.Message})
	if v.Answer != "" {
		if v.Sender != c.sender.ID {
			return "", processor.ErrNoVisit
		}
		var err error
		if answer, err = s.authorised(c); err != nil {
			return "", err
		}
	}
	return s.returnURL(c.started, answer)
}

// showReturn is the page between ours and the caller's. It may be opened again:
// what the visit came to does not change.
func (s *Server) showReturn(c *call) error {
	if !c.visit.Over() {
		return c.redirect("sign-in")
	}
	return s.renderReturn(c, http.StatusOK)
}

// renderReturn writes a page that goes on to the caller's site at once by a
// refresh, and has a link for browsers that do not.
func (s *Server) renderReturn(c *call, status int) error {
	address, err := s.wayBack(c)
	if err != nil {
		return err
	}
	site := cmp.Or(c.request.Website, c.started.caller.Name)
	onward := template.URL(address) //nolint:gosec // readTarget has checked the scheme, and the rest is escaped
	return pages.Render(c.w, status, "return", webui.Layout{
		Words: c.words, Title: c.words.T("return.heading", "Site", site), Sandbox: c.started.caller.Sandbox, Onward: onward,
		Content: returnPage{Site: site, Onward: onward, Approved: c.visit.Answer != ""},
	})
}
