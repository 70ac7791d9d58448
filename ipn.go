package holdfast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A Notification is an Instant Payment Notification: a message from the server
// that a transaction has a new status, or that a token was cancelled
// (docs/api/notifications.md). Notifications may arrive more than once and in
// any order, so a handler must be idempotent. The authoritative status is that
// of GetTransactionStatus. Fields that were not sent are zero.
type Notification struct {
	CallerID        CallerID // the caller that the Verifier expects
	Type            string   // "TransactionStatus" or "TokenCancellation"
	TransactionID   TransactionID
	TokenID         TokenID // of the cancelled token
	TransactionDate time.Time
	Status          TransactionStatus // in capitals in the message
	StatusCode      StatusCode
	StatusMessage   string
	Operation       string // in capitals: "RESERVE", "SETTLE"
	PaymentMethod   PaymentMethod
	PaymentReason   string
	Amount          money.Amount
	CallerReference CallerReference
	BuyerName       string
	BuyerEmail      string
	RecipientName   string
	RecipientEmail  string
	Params          Params // all parameters of the message

	// ParentTransactionID names the payment that a refund belongs to.
	ParentTransactionID TransactionID
}

const notificationBytesMax = 64 << 10

// notificationFields are the parameters from which a Notification is read.
var notificationFields = []string{
	"notificationType", "transactionId", "transactionDate", "transactionStatus", "status",
	"statusCode", "statusMessage", "operation", "paymentMethod", "paymentReason", "transactionAmount",
	"callerReference", "buyerName", "buyerEmail", "customerName", "customerEmail", "recipientName", "recipientEmail",
	"parentTransactionId", "tokenId", CallerField,
}

// statuses maps the statuses of notifications; INITIATED is an old name for
// PENDING.
var statuses = map[string]TransactionStatus{
	"SUCCESS":   StatusSuccess,
	"FAILURE":   StatusFailure,
	"PENDING":   StatusPending,
	"INITIATED": StatusPending,
	"RESERVED":  StatusReserved,
	"CANCELLED": StatusCancelled,
}

// ParseIPN verifies and reads a notification. The endpoint is the public
// address that the notification was sent to, as it is set in the caller's
// account or in OverrideIPNURL. Only the body is signed; a query in the
// endpoint is ignored. If the body cannot be verified, ParseIPN returns no data
// and an [*UnverifiedError].
func (v Verifier) ParseIPN(ctx context.Context, endpoint string, body []byte) (Notification, error) {
	endpoint, _, _ = strings.Cut(endpoint, "?")
	p, err := v.verify(ctx, http.MethodPost, endpoint, string(body), notificationFields)
	if err != nil {
		return Notification{}, err
	}
	n, err := readNotification(p)
	if err != nil {
		return Notification{}, fmt.Errorf("reading the notification: %w", err)
	}
	return n, nil
}

func readNotification(p Params) (Notification, error) {
	n := Notification{
		CallerID:        CallerID(p.Get(CallerField)),
		Type:            p.Get("notificationType"),
		TransactionID:   TransactionID(p.Get("transactionId")),
		TokenID:         TokenID(p.Get("tokenId")),
		StatusCode:      StatusCode(p.Get("statusCode")),
		StatusMessage:   p.Get("statusMessage"),
		Operation:       p.Get("operation"),
		PaymentMethod:   PaymentMethod(p.Get("paymentMethod")),
		PaymentReason:   p.Get("paymentReason"),
		CallerReference: CallerReference(p.Get("callerReference")),
		BuyerName:       either(p.Get("buyerName"), p.Get("customerName")),
		BuyerEmail:      either(p.Get("buyerEmail"), p.Get("customerEmail")),
		RecipientName:   p.Get("recipientName"),
		RecipientEmail:  p.Get("recipientEmail"),
		Params:          p,

		ParentTransactionID: TransactionID(p.Get("parentTransactionId")),
	}
	if status := either(p.Get("transactionStatus"), p.Get("status")); status != "" {
		known := false
		if n.Status, known = statuses[status]; !known {
			return Notification{}, fmt.Errorf("status %q is not known", status)
		}
	}
	if date := p.Get("transactionDate"); date != "" {
		seconds, err := strconv.ParseInt(date, 10, 64)
		if err != nil {
			return Notification{}, errors.New("transactionDate is not a number of seconds")
		}
		n.TransactionDate = time.Unix(seconds, 0).UTC()
	}
	if text := p.Get("transactionAmount"); text != "" {
		currency, value, _ := strings.Cut(text, " ")
		amount, err := money.ParseMicro(value, money.Currency(currency))
		if err != nil {
			return Notification{}, fmt.Errorf("transactionAmount: %w", err)
		}
		n.Amount = amount
	}
	return n, nil
}

func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// IPNHandler serves the address that notifications are sent to. The endpoint is
// that address as the server knows it, with the public host. Each verified
// notification is passed to handle, and answered with 200 when handle succeeds.
// If handle fails, the answer is 500. If the server could not be asked about
// the signature, it is 503. After 500 and 503 the server delivers the
// notification again. A message that is not genuine gets 403, and a request
// that is not a notification gets 405, 413 or 400.
func (v Verifier) IPNHandler(endpoint string, handle func(context.Context, Notification) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			answerStatus(w, http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, notificationBytesMax))
		if err != nil {
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				answerStatus(w, http.StatusRequestEntityTooLarge)
				return
			}
			answerStatus(w, http.StatusBadRequest)
			return
		}
		n, err := v.ParseIPN(r.Context(), endpoint, body)
		if unverified, ok := errors.AsType[*UnverifiedError](err); ok {
			if unverified.Unanswered {
				answerStatus(w, http.StatusServiceUnavailable)
				return
			}
			answerStatus(w, http.StatusForbidden)
			return
		}
		if err != nil {
			answerStatus(w, http.StatusBadRequest)
			return
		}
		if err := handle(r.Context(), n); err != nil {
			answerStatus(w, http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// answerStatus answers with the status and its standard text. It does not give
// the cause, which would help a forger.
func answerStatus(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
