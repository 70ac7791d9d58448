package cobranded

import (
	"net/url"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// BrowsableHost returns the host of an address as browsers send it, or nothing
// if no browser opens the address.
func BrowsableHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host, err := payment.BrowsableHost(u)
	if err != nil {
		return ""
	}
	return host
}

// AddressFields are the fields of an address that was chosen on the pages.
var AddressFields = payment.AddressFields
