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

// A Notification is an Instant Payment Notification: the server's word that a
// transaction has come to a status. Notifications may arrive more than once
// and in any order, so handling one has to be idempotent; what counts is
// GetTransactionStatus. Fields that were not sent are zero.
type Notification struct {
	CallerID        CallerID // that the message is for: whom the Verifier expects
	Type            string   // "TransactionStatus" or "TokenCancellation"
	TransactionID   TransactionID
	TokenID         TokenID // that was cancelled
	TransactionDate time.Time
	Status          TransactionStatus // the wire has it in capitals
	StatusCode      StatusCode
	StatusMessage   string
	Operation       string // in capitals, as on the wire: "RESERVE", "SETTLE"
	PaymentMethod   PaymentMethod
	PaymentReason   string
	Amount          money.Amount
	CallerReference CallerReference
	BuyerName       string
	BuyerEmail      string
	RecipientName   string
	RecipientEmail  string
	Params          Params // all of them

	// ParentTransactionID is the payment that a refund gives back.
	ParentTransactionID TransactionID
}

const notificationBytesMax = 64 << 10

// notificationFields are what a Notification is read from.
var notificationFields = []string{
	"notificationType", "transactionId", "transactionDate", "transactionStatus", "status",
	"statusCode", "statusMessage", "operation", "paymentMethod", "paymentReason", "transactionAmount",
	"callerReference", "buyerName", "buyerEmail", "customerName", "customerEmail", "recipientName", "recipientEmail",
	"parentTransactionId", "tokenId", CallerField,
}

// statuses are the words of notifications; INITIATED is an older one.
var statuses = map[string]TransactionStatus{
	"SUCCESS":   StatusSuccess,
	"FAILURE":   StatusFailure,
	"PENDING":   StatusPending,
	"INITIATED": StatusPending,
	"RESERVED":  StatusReserved,
	"CANCELLED": StatusCancelled,
}

// ParseIPN verifies and reads a notification. The endpoint is the public
// address it was sent to, as the caller's account or OverrideIPNURL has it. Parameters in its
// query are no part of the message: what is signed is the body. It never
// returns data of an unverified body; the error is then an [*UnverifiedError].
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

// IPNHandler serves the address that notifications are sent to. The endpoint
// is that address as the server knows it, public host included. Each verified
// notification is given to handle, and acknowledged with 200 once handle has
// succeeded. The answer is 500 when handle fails and 503 when the server could
// not be asked about the signature, so that the notification is delivered
// again; 403 when it is not genuine; 405, 413 and 400 when it is no
// notification at all.
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

// answerStatus answers with the status in words and nothing of the cause,
// which is none of a forger's business.
func answerStatus(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
