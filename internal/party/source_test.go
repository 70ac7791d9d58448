package party_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestSource(t *testing.T) {
	const peer = "192.0.2.1:40000"
	for name, row := range map[string]struct {
		named []string
		peer  string
		want  string
	}{
		"no proxy":                    {nil, peer, "192.0.2.1"},
		"no proxy, IPv6":              {nil, "[2001:db8:1:2:3:4:5:6]:40000", "2001:db8:1:2::/64"},
		"an address":                  {[]string{"203.0.113.9"}, peer, "203.0.113.9"},
		"the last entry":              {[]string{"198.51.100.1, 203.0.113.9"}, peer, "203.0.113.9"},
		"the last of several headers": {[]string{"198.51.100.1", "198.51.100.2,203.0.113.9"}, peer, "203.0.113.9"},
		"with a port":                 {[]string{"203.0.113.9:51234"}, peer, "203.0.113.9"},
		"IPv6":                        {[]string{"2001:db8:1:2:3:4:5:6"}, peer, "2001:db8:1:2::/64"},
		"IPv6 of the same network":    {[]string{"2001:db8:1:2:ffff::1"}, peer, "2001:db8:1:2::/64"},
		"IPv6 in brackets":            {[]string{"[2001:db8:1:2:3:4:5:6]"}, peer, "2001:db8:1:2::/64"},
		"IPv6 with a port":            {[]string{"[2001:db8:1:2:3:4:5:6]:443"}, peer, "2001:db8:1:2::/64"},
		"IPv6 with a zone":            {[]string{"fe80::1%eth0"}, peer, "fe80::/64"},
		"IPv4 written as IPv6":        {[]string{"::ffff:203.0.113.9"}, peer, "203.0.113.9"},
		"blanks":                      {[]string{"198.51.100.1,  203.0.113.9 "}, peer, "203.0.113.9"},
		"a word":                      {[]string{"unknown"}, peer, "192.0.2.1"},
		"an obfuscated name":          {[]string{"_SEVKISEK"}, peer, "192.0.2.1"},
		"nothing":                     {[]string{""}, peer, "192.0.2.1"},
		"nothing after the comma":     {[]string{"203.0.113.9,"}, peer, "192.0.2.1"},
		"a host name":                 {[]string{"localhost:80"}, peer, "192.0.2.1"},
		"a port too large":            {[]string{"203.0.113.9:99999"}, peer, "192.0.2.1"},
		"an open bracket":             {[]string{"[2001:db8::1"}, peer, "192.0.2.1"},
		"IPv4 in brackets":            {[]string{"[203.0.113.9]"}, peer, "192.0.2.1"},
		"quotes":                      {[]string{`"203.0.113.9"`}, peer, "192.0.2.1"},
		"huge":                        {[]string{strings.Repeat("9", 10_000)}, peer, "192.0.2.1"},
		"a peer without an address":   {[]string{"rubbish"}, "@", "unknown"},
	} {
		if got := party.Source(row.named, row.peer); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
