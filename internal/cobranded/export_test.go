package cobranded

import "net/url"

// BrowsableHost is the host of an address as browsers send it, or nothing where
// none opens the address.
func BrowsableHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host, err := browsableHost(u)
	if err != nil {
		return ""
	}
	return host
}

// AddressFields are those of an address that was chosen on the pages.
var AddressFields = addressFields
