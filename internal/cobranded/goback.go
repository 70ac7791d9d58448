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

// goBack sends the browser to the caller's site with the result of the visit.
// It gives the same answer every time.
//
// A browser goes through the return page, not through a redirect. Browsers
// apply the form-action policy of our pages to every redirect that follows a
// form, including those of the caller's site. A forbidden one would leave the
// buyer on the form without an error.
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

// leaveWith is goBack with a result that is not stored. It answers with the
// return page itself, because the page's own address could not show this
// result.
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

// asksForPage reports whether a request comes from a browser: browsers accept
// HTML when they follow a link or send a form. Other programs get a redirect.
func asksForPage(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// wayBack is the signed return URL of a visit that has ended. Only the sender's
// browser gets one with a token.
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

// showReturn shows the page that leads back to the caller's site. It may be
// opened again, because the result of a visit does not change.
func (s *Server) showReturn(c *call) error {
	if !c.visit.Over() {
		return c.redirect("sign-in")
	}
	return s.renderReturn(c, http.StatusOK)
}

// renderReturn writes a page that leads to the caller's site immediately by a
// refresh. It has a link for browsers that ignore the refresh.
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
