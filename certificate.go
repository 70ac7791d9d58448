package holdfast

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

const (
	certificateTimeout  = 10 * time.Second
	certificateBytesMax = 64 << 10
)

// ParseCertificates reads certificates in PEM. It skips blocks of other types
// and fails if there is no certificate.
func ParseCertificates(pemText []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for {
		block, rest := pem.Decode(pemText)
		if block == nil {
			break
		}
		pemText = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errors.New("reading certificates: there is none in PEM")
	}
	return certs, nil
}

// FetchCertificates gets the certificates at a message's certificateUrl. The
// sender of a message chooses its certificateUrl, and a forger would name his
// own. So the address must begin with the prefix, such as
// "https://fps.example.com/certs/", that you trust. Redirects are not followed.
// Keep the result.
func (c *Client) FetchCertificates(ctx context.Context, prefix, certificateURL string) ([]*x509.Certificate, error) {
	const doing = "fetching certificates"
	address, err := url.Parse(certificateURL)
	if err != nil || !under(prefix, address) {
		return nil, fmt.Errorf("%s: the address does not begin with %s", doing, prefix)
	}
	ctx, cancel := context.WithTimeout(ctx, certificateTimeout)
	defer cancel()
	query := address.RawQuery
	address.RawQuery, address.Fragment = "", ""
	rep, err := c.try(ctx, http.MethodGet, address, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if rep.status != http.StatusOK || len(rep.body) > certificateBytesMax {
		return nil, fmt.Errorf("%s: the answer has status %d and %d bytes", doing, rep.status, len(rep.body))
	}
	certs, err := ParseCertificates(rep.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return certs, nil
}

// under reports whether the address begins with the prefix. It compares scheme,
// host and path one by one: as plain text, "https://fps.example.com.evil.test/"
// would begin with "https://fps.example.com".
func under(prefix string, address *url.URL) bool {
	p, err := url.Parse(prefix)
	if err != nil || !isHTTP(p) || p.Host == "" {
		return false
	}
	return address.Scheme == p.Scheme && SignedHost(address) == SignedHost(p) && address.User == nil &&
		strings.HasPrefix(address.Path, p.Path) && (address.Path == "" || path.Clean(address.Path) == address.Path)
}
