package party

import (
	"net/netip"
	"strings"
)

// sourceNetwork is the prefix length of the smallest IPv6 network that a
// customer gets. All addresses in it count as one source.
const sourceNetwork = 64

// ClientAddress is the address that a request comes from. named are the values,
// in order, of the header in which a proxy in front of the server names the
// client. The proxy itself wrote the last entry, with or without a port. If
// there is no entry or it is no address, peer is used, which is RemoteAddr of
// net/http. The zero Addr means that neither is an address.
func ClientAddress(named []string, peer string) netip.Addr {
	if len(named) > 0 {
		last := named[len(named)-1]
		if address := parseAddress(last[strings.LastIndexByte(last, ',')+1:]); address.IsValid() {
			return address
		}
	}
	return parseAddress(peer)
}

// Source is the form of ClientAddress by which guesses, letters and requests
// are counted: an IPv4 address, or the network of an IPv6 address.
func Source(named []string, peer string) string {
	address := ClientAddress(named, peer)
	switch {
	case !address.IsValid():
		return "unknown"
	case address.Is6():
		prefix, err := address.Prefix(sourceNetwork)
		if err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

// parseAddress reads an address with or without a port, and an IPv6 address with
// or without brackets.
func parseAddress(text string) netip.Addr {
	text = strings.TrimSpace(text)
	address, err := netip.ParseAddr(text)
	if err != nil {
		var at netip.AddrPort
		at, err = netip.ParseAddrPort(text)
		address = at.Addr()
	}
	if inside, ok := strings.CutPrefix(text, "["); err != nil && ok {
		if inside, ok = strings.CutSuffix(inside, "]"); ok {
			address, err = netip.ParseAddr(inside)
			if address.Is4() {
				return netip.Addr{}
			}
		}
	}
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}
