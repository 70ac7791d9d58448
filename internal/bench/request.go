package bench

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An order has the data of one request.
type order struct {
	action    Action
	merchant  int
	token     holdfast.TokenID         // of a Reserve
	reference holdfast.CallerReference // of a Reserve
	amount    money.Amount             // of a Reserve
	id        holdfast.TransactionID   // of a Settle or a Status
}

func (o order) params(since string) holdfast.Params {
	p := make(holdfast.Params, 0, 12)
	p = append(p, holdfast.Param{Name: "Action", Value: string(o.action)})
	switch o.action {
	case Reserve:
		p = append(
			p,
			holdfast.Param{Name: "SenderTokenId", Value: string(o.token)},
			holdfast.Param{Name: "CallerReference", Value: string(o.reference)},
			holdfast.Param{Name: "TransactionAmount.CurrencyCode", Value: string(o.amount.Currency)},
			holdfast.Param{Name: "TransactionAmount.Value", Value: o.amount.Decimal()},
		)
	case Settle:
		p = append(p, holdfast.Param{Name: "ReserveTransactionId", Value: string(o.id)})
	case Status:
		p = append(p, holdfast.Param{Name: "TransactionId", Value: string(o.id)})
	case Activity:
		p = append(p, holdfast.Param{Name: "StartDate", Value: since})
	}
	return p
}

// A signer writes signed requests to one server.
type signer struct {
	endpoint *url.URL
	head     string // up to the value of Content-Length
	now      func() time.Time
	since    string // StartDate of activity
}

const timestampLayout = "2006-01-02T15:04:05.000Z"

func newSigner(endpoint *url.URL, now func() time.Time) *signer {
	path := endpoint.EscapedPath()
	if path == "" {
		path = "/"
	}
	return &signer{
		endpoint: endpoint, now: now, since: now().UTC().AddDate(0, 0, -1).Format(time.DateOnly),
		head: "POST " + path + " HTTP/1.1\r\nHost: " + endpoint.Host +
			"\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: ",
	}
}

// write appends a complete request. The signed text ends with the parameters in
// the form in which they are sent. So write takes the body from it and does not
// encode the parameters twice.
func (s *signer) write(b []byte, o order, key party.AccessKey) ([]byte, error) {
	p := append(
		o.params(s.since),
		holdfast.Param{Name: "AWSAccessKeyId", Value: key.ID},
		holdfast.Param{Name: "SignatureVersion", Value: "2"},
		holdfast.Param{Name: "SignatureMethod", Value: string(holdfast.HmacSHA256)},
		holdfast.Param{Name: "Timestamp", Value: s.now().UTC().Format(timestampLayout)},
		holdfast.Param{Name: "Version", Value: holdfast.Version2010},
	)
	text := holdfast.StringToSign("POST", holdfast.SignedHost(s.endpoint), s.endpoint.EscapedPath(), p)
	signature, err := holdfast.SignHMAC(key.Secret, holdfast.HmacSHA256, text)
	if err != nil {
		return b, err
	}
	return s.post(b, text[strings.LastIndexByte(text, '\n')+1:], signature), nil
}

// post appends a request whose body is body followed by the signature.
func (s *signer) post(b []byte, body, signature string) []byte {
	signed := "&" + holdfast.Params{{Name: "Signature", Value: signature}}.Encode()
	b = append(b, s.head...)
	b = strconv.AppendInt(b, int64(len(body)+len(signed)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	return append(b, signed...)
}
