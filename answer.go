package holdfast

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// An xmlResult decodes the result element of an answer into one of the xml…
// types. Their tags name no namespace, so they read answers of every API
// version.
type xmlResult func(into any) error

// result splits a reply into the action's result and the fields of every
// answer. The error is an *Error when the reply is a refusal.
func (r reply) result(action string) (xmlResult, Answer, error) {
	dec := xml.NewDecoder(bytes.NewReader(r.body))
	root, err := rootElement(dec)
	if err != nil {
		return nil, Answer{}, fmt.Errorf("reading the answer with status %d: %w", r.status, err)
	}
	if root.Name.Local == "Response" || root.Name.Local == "ErrorResponse" {
		refusal, err := r.refusal(dec, root)
		if err != nil {
			return nil, Answer{}, err
		}
		return nil, Answer{}, refusal
	}
	// 200 is the only status of a success, as in FPS's own clients.
	if root.Name.Local != action+"Response" || r.status != http.StatusOK {
		return nil, Answer{}, fmt.Errorf("the answer is a %s with status %d", root.Name.Local, r.status)
	}
	answer := r.answer()
	parts := struct {
		Metadata struct {
			RequestID string `xml:"RequestId"`
		} `xml:"ResponseMetadata"`
		Children []xmlElement `xml:",any"`
	}{}
	if err := dec.DecodeElement(&parts, &root); err != nil {
		return nil, Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	answer.RequestID = parts.Metadata.RequestID
	for _, child := range parts.Children {
		if child.XMLName.Local == action+"Result" {
			return child.decode, answer, nil
		}
	}
	if action == actionCancelToken { // the only action without a result
		return xmlElement{}.decode, answer, nil
	}
	return nil, Answer{}, fmt.Errorf("the answer has no %sResult", action)
}

// An xmlElement is an element that is decoded later, when its type is known.
type xmlElement struct {
	XMLName xml.Name
	Inner   []byte `xml:",innerxml"`
}

// decode reads the element's children inside a new root tag. Namespace prefixes
// of the old root are lost, which does no harm because our tags name no
// namespace.
func (e xmlElement) decode(into any) error {
	inner := io.MultiReader(bytes.NewReader([]byte("<r>")), bytes.NewReader(e.Inner), bytes.NewReader([]byte("</r>")))
	if err := xml.NewDecoder(inner).Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", e.XMLName.Local, err)
	}
	return nil
}

func rootElement(dec *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, fmt.Errorf("it is not XML: %w", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// refusal reads an error answer. It accepts the form that servers send and the
// different form that the schema declares.
func (r reply) refusal(dec *xml.Decoder, root xml.StartElement) (*Error, error) {
	type xmlError struct {
		Code    string
		Message string
	}
	var body struct {
		Sent      []xmlError `xml:"Errors>Error"`
		Declared  []xmlError `xml:"Error"`
		RequestID string     `xml:"RequestID"`
		RequestId string     //nolint:revive // the spelling of the declared shape
	}
	if err := dec.DecodeElement(&body, &root); err != nil {
		return nil, fmt.Errorf("reading the error answer with status %d: %w", r.status, err)
	}
	all := append(body.Sent, body.Declared...)
	if len(all) == 0 || all[0].Code == "" {
		return nil, fmt.Errorf("the error answer with status %d has no code", r.status)
	}
	return &Error{
		Code: Code(all[0].Code), Message: all[0].Message,
		RequestID: body.RequestID + body.RequestId, Status: r.status, Hint: r.header.Get(HeaderSignatureHint),
	}, nil
}

func (r reply) answer() Answer {
	return Answer{
		ServerTime: r.headerTime(HeaderTime), Deadline: r.headerTime(HeaderDeadline),
		CallerID: CallerID(r.header.Get(HeaderCaller)),
	}
}

// headerTime returns zero when the server does not send the header. Servers
// other than Holdfast do not.
func (r reply) headerTime(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.header.Get(name))
	if err != nil {
		return time.Time{}
	}
	return t
}

func readTransactionResult(result xmlResult) (TransactionResult, error) {
	var x struct {
		TransactionID     TransactionID `xml:"TransactionId"`
		TransactionStatus TransactionStatus
	}
	if err := result(&x); err != nil {
		return TransactionResult{}, err
	}
	if x.TransactionID == "" || x.TransactionStatus == "" {
		return TransactionResult{}, errors.New("it has no transaction id or no status")
	}
	return TransactionResult{TransactionID: x.TransactionID, Status: x.TransactionStatus}, nil
}

func readTransactionState(result xmlResult) (TransactionState, error) {
	var x struct {
		TransactionID     TransactionID `xml:"TransactionId"`
		TransactionStatus TransactionStatus
		CallerReference   CallerReference
		StatusCode        StatusCode
		StatusMessage     string
	}
	if err := result(&x); err != nil {
		return TransactionState{}, err
	}
	if x.TransactionID == "" || x.TransactionStatus == "" {
		return TransactionState{}, errors.New("it has no transaction id or no status")
	}
	return TransactionState{
		TransactionID: x.TransactionID, Status: x.TransactionStatus, CallerReference: x.CallerReference,
		StatusCode: x.StatusCode, StatusMessage: x.StatusMessage,
	}, nil
}

func readVerifySignatureResult(result xmlResult) (VerifySignatureResult, error) {
	var x struct{ VerificationStatus VerificationStatus }
	if err := result(&x); err != nil {
		return VerifySignatureResult{}, err
	}
	if x.VerificationStatus != VerificationSuccess && x.VerificationStatus != VerificationFailure {
		return VerifySignatureResult{}, fmt.Errorf("its verification status is %q", x.VerificationStatus)
	}
	return VerifySignatureResult{Status: x.VerificationStatus}, nil
}

// An xmlTime is a date of an answer, such as "2009-10-07T04:29:05.054-07:00".
type xmlTime struct{ time.Time }

func (t *xmlTime) UnmarshalText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return errors.New("a date is not in ISO 8601 format")
	}
	t.Time = parsed
	return nil
}

// An xmlAmount is an amount of an answer, with six decimals and of either sign.
type xmlAmount struct {
	CurrencyCode money.Currency
	Value        string
}

func (a xmlAmount) amount() (money.Amount, error) {
	if a == (xmlAmount{}) {
		return money.Amount{}, nil
	}
	amount, err := money.ParseMicro(a.Value, a.CurrencyCode)
	if err != nil {
		return money.Amount{}, fmt.Errorf("reading an amount: %w", err)
	}
	return amount, nil
}
