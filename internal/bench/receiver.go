package bench

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	noticeBytesMax = 64 << 10
	// verifyEach is the size of the sample: one notification of this many is
	// verified.
	verifyEach    = 64
	receivePath   = "/ipn"
	noticeTimeout = 10 * time.Second
)

// A receiver is the web server of all merchants. It takes every notification.
type receiver struct {
	notices      *notices
	certificates []*x509.Certificate
	server       *http.Server
	url          string
	taken        atomic.Int64
}

// receive starts a receiver on the loopback interface and makes it the address
// of all merchants.
func (b *Bench) receive(ctx context.Context) error {
	certificates, err := signingCertificates(ctx, b.Store)
	if err != nil {
		return fmt.Errorf("reading the certificate of notifications: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r := &receiver{
		notices: newNotices(b.Now), certificates: certificates, url: "http://" + listener.Addr().String() + receivePath,
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: noticeTimeout}
	go func() { _ = r.server.Serve(listener) }() // it ends with Close
	b.receiver = r
	return b.notify(ctx, r.url)
}

// notify sets the address of all merchants.
func (b *Bench) notify(ctx context.Context, url string) error {
	clerk := b.newProcessor(b.Now)
	defer clerk.Close()
	for _, m := range b.cast.merchants {
		_, err := clerk.ChangeCaller(ctx, m.caller.ID, func(c party.Caller) (party.Caller, error) {
			c.IPNURL = url
			return c, nil
		})
		if err != nil {
			return fmt.Errorf("setting the address for notifications: %w", err)
		}
	}
	return nil
}

// signingCertificates reads the certificates from the store. The server has made
// its key when it serves.
func signingCertificates(ctx context.Context, db *store.DB) (certificates []*x509.Certificate, err error) {
	var keys []store.SigningKey
	err = db.View(ctx, func(tx *store.ReadTx) error {
		keys, err = tx.SigningKeys()
		return err
	})
	if err == nil && len(keys) == 0 {
		err = errors.New("the server has no signing key")
	}
	for _, k := range keys {
		some, parsing := holdfast.ParseCertificates([]byte(k.Certificate))
		certificates, err = append(certificates, some...), errors.Join(err, parsing)
	}
	return certificates, err
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, noticeBytesMax))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	text, delivery := string(body), q.Header.Get("Holdfast-Delivery")
	if r.taken.Add(1)%verifyEach == 1 && !r.genuine(text, delivery) {
		r.notices.forgery()
	}
	r.notices.arrived(delivery, !strings.Contains(text, "transactionStatus=PENDING"))
}

// genuine reports whether a notification is signed, and about the transaction of
// its delivery.
func (r *receiver) genuine(body, delivery string) bool {
	p, err := holdfast.ParseParams(body)
	return err == nil && strings.HasPrefix(delivery, p.Get("transactionId")+"-") &&
		holdfast.VerifyMessage(r.certificates, http.MethodPost, r.url, body) == nil
}

func (r *receiver) close() {
	_ = r.server.Close() // nothing of it is needed any more
}
