package console

import (
	"embed"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// A frame is what stands around a page.
type frame struct {
	Nav     *nav // nil for visitors that are no members
	SignOut string
	Home    string
	Page    page
}

// A nav is the navigation of a member.
type nav struct {
	Email string
	// Caller is the name of the page's caller, or of the server. Chip says if the
	// caller is live.
	Caller string
	Chip   chip
	Links  []navLink
	Others []navLink // other places: all callers, the server
}

type navLink struct {
	Label, Address string
	Current        bool
}

// render writes a page with the navigation of its member.
func (s *Server) render(c *call, p page) error {
	p.Flash = c.flash()
	if pause, paused := s.Store.Paused(); paused && len(c.members) > 0 {
		p.Paused = c.words.T("console.paused", "Time", c.minute(pause.Taken))
	}
	if clean := c.sieveOf(&p); clean != "" {
		return c.redirect(clean)
	}
	p.showIn(c.zone)
	l := webui.Layout{
		Words: c.words, Title: p.Heading, NoCheckout: true, Scripts: append([]string{"once.js"}, p.Scripts...),
		Content: frame{Nav: s.nav(c), SignOut: Root + "sign-out", Home: Root, Page: p},
	}
	if slices.Contains(p.Scripts, refreshScript) {
		l.Scripts = append(l.Scripts, "refresh.js")
	}
	l.Policy.Asks = slices.Contains(p.Scripts, refreshScript) || slices.Contains(p.Scripts, webui.PasskeyScript)
	status := p.Status
	if status == 0 {
		status = http.StatusOK
	}
	if status >= http.StatusBadRequest {
		l.Title = c.words.T("layout.error", "Title", p.Heading)
	}
	return pages.Render(c.w, status, "page", l)
}

// refreshScript replaces parts of a page without loading all of it.
const refreshScript = "htmx.min.js"

// nav returns the navigation of the page's scope, with the links that the member
// may follow.
func (s *Server) nav(c *call) *nav {
	if len(c.members) == 0 {
		return nil
	}
	w := c.words
	n := &nav{Email: c.Party.Email}
	switch c.route.In {
	case ofCaller:
		n.Caller, n.Chip = c.caller.Name, liveChip(w, c.caller.Sandbox)
	case ofServer:
		n.Caller = w.T("console.server")
	case ofMember, beforeFactor, forParty, forAnybody:
	}
	for _, r := range c.routes {
		if r.Nav == "" || r.In != c.route.In || r.In != ofMember && !c.may(r.Permission) {
			continue
		}
		n.Links = append(n.Links, navLink{w.T(r.Nav), c.link(r.Path), r.current(c.route)})
	}
	for _, r := range c.routes {
		if r.In == ofMember && r.Nav != "" && c.route.In != ofMember {
			n.Others = append(n.Others, navLink{Label: w.T(r.Nav), Address: Root + r.Path})
		}
	}
	if c.route.In != ofServer && c.inServer() {
		for _, r := range c.routes {
			if r.In == ofServer && r.Nav != "" && c.mayInServer(r.Permission) {
				n.Others = append(n.Others, navLink{Label: w.T("console.server"), Address: Root + r.In.prefix() + r.Path})
				break
			}
		}
	}
	return n
}

// mayInServer reports whether the member has a permission for the whole server.
func (c *call) mayInServer(p party.Permission) bool {
	return slices.ContainsFunc(c.members, func(m party.Membership) bool { return m.OfServer() && m.May(p) })
}

// current reports whether the link to a route is marked as the present page: the
// page is the route or below it.
func (r route) current(at route) bool {
	return at.Path == r.Path || r.Path != "" && len(at.Path) > len(r.Path) && at.Path[:len(r.Path)+1] == r.Path+"/"
}

func liveChip(w webui.Words, sandbox bool) chip {
	if sandbox {
		return chip{w.T("console.sandbox"), wait}
	}
	return chip{w.T("console.live"), good}
}

// shortLayout shows times in tables: short, sortable by eye, the same in each
// language.
const shortLayout = "2006-01-02 15:04"

// zoneLayout names the zone of a time: by its usual letters, which tell summer time
// from winter time, or by its distance from UTC.
const zoneLayout = "MST"

// minute is a time to the minute in the page's zone, with the name of the zone.
func (c *call) minute(t time.Time) string { return t.In(c.zone).Format(shortLayout + " " + zoneLayout) }

// second is a time to the second in the page's zone, with the name of the zone.
func (c *call) second(t time.Time) string {
	return t.In(c.zone).Format(shortLayout + ":05 " + zoneLayout)
}

// showIn makes the page show all its times in a zone.
func (p *page) showIn(zone *time.Location) {
	show := func(c *cell) { c.Time = inZone(c.Time, zone) }
	facts := func(all []fact) {
		for i := range all {
			show(&all[i].cell)
		}
	}
	for _, b := range p.Blocks {
		facts(b.Facts)
		for i := range b.Steps {
			b.Steps[i].At = inZone(b.Steps[i].At, zone)
			facts(b.Steps[i].Facts)
		}
		if b.Table == nil {
			continue
		}
		for _, row := range b.Table.Rows {
			for i := range row.Cells {
				show(&row.Cells[i])
			}
		}
	}
}

func inZone(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

// Short is the cell's time in the page's zone.
func (c cell) Short() string { return c.Time.Format(shortLayout) }

// Zone is the name of the zone of the cell's time.
func (c cell) Zone() string { return c.Time.Format(zoneLayout) }

// Machine is the cell's time for programs.
func (c cell) Machine() string { return c.Time.UTC().Format(time.RFC3339) }

// Short is the step's time to the second, in the page's zone.
func (s step) Short() string { return s.At.Format(shortLayout + ":05") }

// Zone is the name of the zone of the step's time.
func (s step) Zone() string { return s.At.Format(zoneLayout) }

// Machine is the step's time for programs.
func (s step) Machine() string { return s.At.UTC().Format(time.RFC3339) }

// span formats a length of time in its two largest units, "2 d 4 h". It is for
// lengths of a minute and more.
func span(w webui.Words, d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0)
	days, hours, minutes := int(d/day), int(d%day/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case days >= 10:
		return w.T("console.span.days", "D", days)
	case days > 0:
		return w.T("console.span.days-hours", "D", days, "H", hours)
	case hours > 0:
		return w.T("console.span.hours-minutes", "H", hours, "M", minutes)
	case minutes > 0:
		return w.T("console.span.minutes", "M", minutes)
	}
	return w.T("console.span.less")
}
