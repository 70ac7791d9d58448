package queryapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Ceiling answers signed Reserves as a Server does, and keeps nothing: it
// reads, verifies and answers, decides nothing, and reads each access key from
// the store once. A Server can be at most as fast, so a bench compares the two.
// A Ceiling must never serve anybody else, because its answers are not real.
type Ceiling struct {
	Store store.Reader
	Hosts []string         // see Server
	Now   func() time.Time // real time

	keys sync.Map // of signers by access key id
}

type knownSigner struct {
	caller party.Caller
	key    party.AccessKey
}

// Handler serves "/".
func (c *Ceiling) Handler() http.Handler {
	s := &Server{Store: c.Store, Hosts: c.Hosts, Now: c.Now}
	ids := processor.RandomIDs{Now: c.Now}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{id: s.newRequestID(), real: processor.Micro(c.Now())}
		answer, err := c.answer(s, ids, w, r, q)
		if err != nil {
			s.refuse(w, r, q, err)
			return
		}
		s.send(w, q, http.StatusOK, answer)
	})
}

func (c *Ceiling) answer(
	s *Server, ids processor.IDs, w http.ResponseWriter, r *http.Request, q *request,
) (reply, error) {
	var err error
	if q.params, err = s.read(w, r); err != nil {
		return reply{}, err
	}
	signer, err := c.signer(s, r, q.params.Get("AWSAccessKeyId"))
	if err != nil {
		return reply{}, err
	}
	if err := s.checkTime(q.params, q.real); err != nil {
		return reply{}, err
	}
	if err := s.checkSignature(r, s.signedPaths(r.URL.Path), q.params, signer.key.Secret); err != nil {
		return reply{}, err
	}
	q.caller = signer.caller
	if q.version, err = answeredVersion(q.params.Get("Version")); err != nil {
		return reply{}, err
	}
	if a, _ := actionNamed(q.params.Get("Action")); a.name != reserve.name {
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "Nothing but Reserve is answered here.")
	}
	if q.params, err = reserve.read(q.version, q.params); err != nil {
		return reply{}, err
	}
	asked, err := paymentRequest(q.params)
	if err != nil {
		return reply{}, err
	}
	doc := newDocument(reserve.name, q.version)
	held := payment.Transaction{
		ID: ids.Transaction(), Kind: payment.KindReserve, State: payment.Reserved, Amount: asked.TransactionAmount,
		Deadline: q.now().Add(payment.ReserveLifeMax),
	}
	if err := q.transactionResult(held, nil, doc); err != nil {
		return reply{}, err
	}
	return reply{contentType: typeXML, body: doc.finish(q.id)}, nil
}

func (c *Ceiling) signer(s *Server, r *http.Request, id string) (knownSigner, error) {
	if known, ok := c.keys.Load(id); ok {
		return known.(knownSigner), nil //nolint:forcetypeassert // nothing else is stored
	}
	caller, key, err := s.callerByKey(r, id)
	if err != nil {
		return knownSigner{}, err
	}
	known := knownSigner{caller, key}
	c.keys.Store(id, known)
	return known, nil
}
