package account

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// device is what is kept of where a request comes from.
func (b *Browsers) device(r *http.Request) party.Device {
	agent := r.UserAgent()
	return party.Device{
		Browser: marked(agent, browsers), System: marked(agent, systems),
		Network: coarse(party.ClientAddress(b.namedBy(r), r.RemoteAddr)),
	}
}

// A mark is a word of a User-Agent, and what it is the mark of.
type mark struct{ word, name string }

// Browsers pretend to be each other: who pretends comes first.
var (
	browsers = []mark{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []mark{
		{"Android", "Android"},
		{"iPhone", "iOS"},
		{"iPad", "iPadOS"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

func marked(agent string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(agent, m.word) {
			return m.name
		}
	}
	return ""
}

// coarse is an address without what tells apart the houses of a street.
func coarse(address netip.Addr) string {
	if address.Is4() {
		text := address.String()
		return text[:strings.LastIndexByte(text, '.')] + ".x"
	}
	const site = 48
	prefix, err := address.Prefix(site)
	if err != nil || !address.IsValid() {
		return ""
	}
	return prefix.String()
}
