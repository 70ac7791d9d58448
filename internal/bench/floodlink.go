package bench

import (
	"fmt"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// linkBytes is the size of an oversized link. A server without its own limit
// would read it.
const linkBytes = 60 << 10

// atTheDoors is a request of a flood that needs no access key.
func (f *flooding) atTheDoors() ([]byte, error) {
	switch f.flood {
	case OversizedLink:
		query := holdfast.Params{
			{Name: "callerKey", Value: f.bench.cast.merchants[0].key.ID},
			{Name: "pipelineName", Value: "SingleUse"},
			{Name: "returnURL", Value: returnURL},
			{Name: "signature", Value: madeUpSignature},
			{Name: "signatureVersion", Value: "2"},
			{Name: "signatureMethod", Value: string(holdfast.HmacSHA256)},
		}.Encode()
		return f.get(holdfast.CoBrandedPath + "?" + query + strings.Repeat("&a=1", (linkBytes-len(query))/4)), nil
	case VerifySignature:
		message := holdfast.Params{
			{Name: "status", Value: "SC"},
			{Name: "tokenID", Value: string(madeUpToken)},
			{Name: "signature", Value: madeUpSignature},
			{Name: "signatureVersion", Value: "2"},
			{Name: "signatureMethod", Value: string(holdfast.RSASHA1)},
			{Name: "certificateUrl", Value: f.bench.Endpoint.JoinPath("certs", "1", "PKICert.pem").String()},
		}
		body := holdfast.Params{
			{Name: "Action", Value: "VerifySignature"},
			{Name: "Version", Value: holdfast.Version2010},
			{Name: "UrlEndPoint", Value: returnURL},
			{Name: "HttpParameters", Value: message.Encode()},
		}.Encode()
		return f.request(len(body), body), nil
	case Visits:
		key := f.bench.cast.merchants[0].key
		client := &holdfast.Client{
			CoBranded: f.bench.Endpoint.JoinPath(holdfast.CoBrandedPath).String(), AccessKeyID: key.ID, SecretKey: key.Secret,
		}
		link, err := client.SingleUseURL(holdfast.SingleUseRequest{
			CallerReference: "flood-of-visits", ReturnURL: returnURL, TransactionAmount: money.Cents(4250), Reserve: true,
		})
		if err != nil {
			return nil, fmt.Errorf("making a link: %w", err)
		}
		_, target, _ := strings.Cut(link, f.bench.Endpoint.Host)
		return f.get(target), nil
	case NoFlood, BadSignature, Oversized, Slow, Unfinished:
	}
	return nil, fmt.Errorf("the flood %q has no links or messages", f.flood)
}

const returnURL = "http://shop.bench.example/back"

// madeUpSignature has the length of a signature by a key of 2048 bits.
var madeUpSignature = strings.Repeat("AAAA", 85) + "AAA="

func (f *flooding) get(target string) []byte {
	return []byte("GET " + target + " HTTP/1.1\r\nHost: " + f.bench.Endpoint.Host + "\r\n\r\n")
}
