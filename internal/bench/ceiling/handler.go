package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/bench"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// A handler answers signed Reserves from memory. It does only what every server
// must do: it reads the request, checks its time, its signature and its amount,
// draws ids and writes the answer.
type handler struct{ now func() time.Time }

const (
	bodyMax = 64 << 10
	window  = 15 * time.Minute // for timestamps
)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ids := processor.RandomIDs{Now: h.now}
	status := http.StatusOK
	answer := ""
	if err := check(w, r, h.now()); err != nil {
		status, answer = http.StatusBadRequest, refusal(err, ids.Other(""))
	} else {
		answer = reserved(ids.Transaction(), ids.Other(""))
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.Header().Set(holdfast.HeaderTime, h.now().UTC().Format(time.RFC3339Nano))
	w.WriteHeader(status)
	io.WriteString(w, answer) //nolint:errcheck // the client is gone
}

func check(w http.ResponseWriter, r *http.Request, now time.Time) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		return err
	}
	p, err := holdfast.ParseParams(string(body))
	if err != nil {
		return err
	}
	sent, err := time.Parse(time.RFC3339, p.Get("Timestamp"))
	if err != nil {
		return err
	}
	if age := now.Sub(sent); age > window || age < -window {
		return holdfast.Errorf(holdfast.RequestExpired, "The timestamp is too far away.")
	}
	text := holdfast.StringToSign(r.Method, r.Host, r.URL.Path, p.Without("Signature"))
	method := holdfast.SignatureMethod(p.Get("SignatureMethod"))
	if !holdfast.VerifyHMAC(holdfast.NewSecretKey(bench.PretendSecret), method, text, p.Get("Signature")) {
		return holdfast.Errorf(holdfast.InvalidSignature, "The signature is wrong.")
	}
	if p.Get("Action") != string(bench.Reserve) || p.Get("SenderTokenId") == "" || p.Get("CallerReference") == "" {
		return holdfast.Errorf(holdfast.InvalidRequest, "Only a complete Reserve is answered.")
	}
	_, err = money.Parse(p.Get("TransactionAmount.Value"), money.Currency(p.Get("TransactionAmount.CurrencyCode")))
	return err
}

func reserved(id holdfast.TransactionID, request string) string {
	return xml.Header + `<ReserveResponse xmlns="http://fps.amazonaws.com/doc/2010-08-28/"><ReserveResult><TransactionId>` +
		string(id) + `</TransactionId><TransactionStatus>` + string(holdfast.StatusReserved) +
		`</TransactionStatus></ReserveResult><ResponseMetadata><RequestId>` + request +
		`</RequestId></ResponseMetadata></ReserveResponse>`
}

func refusal(err error, request string) string {
	refused, ok := errors.AsType[*holdfast.Error](err)
	if !ok {
		refused = holdfast.Errorf(holdfast.InvalidRequest, "%v", err)
	}
	var message strings.Builder
	xml.EscapeText(&message, []byte(refused.Message)) //nolint:errcheck // a Builder takes everything
	return xml.Header + `<Response><Errors><Error><Code>` + string(refused.Code) + `</Code><Message>` + message.String() +
		`</Message></Error></Errors><RequestID>` + request + `</RequestID></Response>`
}
