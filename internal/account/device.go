package account

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// device returns the facts that are stored about the browser of a request.
func (s *Sessions) device(r *http.Request) party.Device {
	agent := r.UserAgent()
	return party.Device{
		Browser: marked(agent, browsers), System: marked(agent, systems),
		Network: coarse(party.ClientAddress(s.namedBy(r), r.RemoteAddr)),
	}
}

// A mark is a word of a User-Agent header and the name of the browser or system
// that sends it.
type mark struct{ word, name string }

// Many browsers also send the marks of others, so the most specific marks come
// first.
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

// coarse shortens an address to its network, so that it does not identify a
// household.
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
