package payment

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// returnHost returns the host of a returnURL, with its port. With an
// application's own scheme, the host may be any word.
func returnHost(caller party.Caller, u *url.URL) (string, error) {
	switch {
	case u.Scheme == "http", u.Scheme == "https":
		return BrowsableHost(u)
	case !caller.ReturnsBy(u.Scheme):
		return "", &ReturnURLError{Why: "the caller may not use its scheme (holdfast caller set --return-schemes)"}
	case !PlainHost(u.Host):
		return "", &ReturnURLError{Why: "its scheme is not followed by // and a host"}
	}
	return u.Host, nil
}

// BrowsableHost returns the host of an address, with its port, in the form that
// browsers send. It fails for hosts that no browser opens, because the buyer
// would be left on the last page.
func BrowsableHost(u *url.URL) (string, error) {
	port, err := browsablePort(u.Port())
	if err != nil {
		return "", err
	}
	name := u.Hostname()
	switch {
	case name == "":
		return "", &ReturnURLError{Why: "it has no host"}
	case strings.HasPrefix(u.Host, "["):
		at, err := netip.ParseAddr(name)
		if err != nil || at.Zone() != "" {
			return "", &ReturnURLError{Why: "browsers do not accept its IPv6 address"}
		}
		if at.Is4In6() { // browsers write the last part in hexadecimal
			b := at.As16()
			return fmt.Sprintf("[::ffff:%x:%x]%s", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]), port), nil
		}
		return "[" + at.String() + "]" + port, nil
	}
	name, err = browsableName(name)
	return name + port, err
}

const (
	nameBytesMax  = 253 // of a host name
	labelBytesMax = 63  // of each of its parts
)

// hostNames converts host names to the form that browsers look up: UTS 46,
// non-transitional, without the rules for registering names.
var hostNames = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true),
	idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false),
)

// browsableName returns a host name in ASCII.
func browsableName(name string) (string, error) {
	ascii, err := hostNames.ToASCII(name)
	if err != nil {
		return "", &ReturnURLError{Why: "its host name is not valid"}
	}
	if isASCII(name) {
		ascii = name // keep the caller's spelling
	}
	bare := strings.TrimSuffix(ascii, ".")
	labels := strings.Split(bare, ".")
	if len(bare) > nameBytesMax || !PlainHost(bare) || slices.ContainsFunc(labels, func(label string) bool {
		return label == "" || len(label) > labelBytesMax
	}) {
		return "", &ReturnURLError{Why: "its host name is not valid"}
	}
	if endsInNumber(labels[len(labels)-1]) {
		if _, err := netip.ParseAddr(ascii); err != nil {
			return "", &ReturnURLError{Why: "browsers parse its host as an IPv4 address, but it is not valid"}
		}
	}
	return ascii, nil
}

// endsInNumber reports whether browsers parse a name with this last label as an
// IPv4 address (URL Standard, "ends in a number").
func endsInNumber(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	digits, hex := strings.CutPrefix(strings.ToLower(label), "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == ""
}

func isASCII(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c >= 0x80 })
}

// browsablePort returns a port with its colon, or nothing if there is none.
func browsablePort(port string) (string, error) {
	if port == "" {
		return "", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", &ReturnURLError{Why: "its port is not valid"}
	}
	if slices.Contains(badPorts, uint16(n)) {
		return "", &ReturnURLError{Why: fmt.Sprintf("browsers do not open port %d", n)}
	}
	return ":" + strconv.FormatUint(n, 10), nil
}

// badPorts are the ports that browsers refuse to open (Fetch Standard, "bad
// port"), except port 1. Callers use that port in tests, because nothing
// answers there.
var badPorts = []uint16{
	0, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
	113, 115, 117, 119, 123,
	135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601,
	636, 989, 990, 993, 995,
	1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
}
