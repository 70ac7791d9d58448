package api

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const bodyMax = 64 << 10 // bytes of a query and a body together

// bodyBuffers are reused, because a server reads thousands of bodies a second.
var bodyBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read reads and checks the body of a request, up to a limit. A request that is
// too large is refused before it is read if its length is known, and its
// connection is closed.
func (s *Server) read(w http.ResponseWriter, r *http.Request, q *request) error {
	if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 { // see queryapi's read
		w.Header().Set("Connection", "close")
	}
	most := bodyMax - int64(len(r.URL.RawQuery))
	if most < 0 || r.ContentLength > most {
		return newProblem(BodyTooLarge, "")
	}
	if q.route.body == nil {
		if q.call != nil {
			q.call.Body = "{}"
		}
		return nil
	}
	if err := checkMedia(w, r); err != nil {
		return err
	}
	b := bodyBuffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool has nothing else
	defer bodyBuffers.Put(b)
	b.Reset()
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	switch _, exceeded := errors.AsType[*http.MaxBytesError](err); {
	case exceeded:
		return newProblem(BodyTooLarge, "")
	case err != nil:
		return newProblem(BodyIncomplete, "")
	}
	q.body = bytes.Clone(b.Bytes())
	if len(q.body) == 0 && q.route.body.empty() {
		q.body = []byte("{}")
	}
	return q.check()
}

func checkMedia(w http.ResponseWriter, r *http.Request) error {
	coding, sent := r.Header.Get("Content-Encoding"), r.Header.Get("Content-Type")
	if coding != "" && !holdfast.SameName(coding, "identity") {
		w.Header().Set("Connection", "close")
		return newProblem(MediaTypeNotSupported, "Send the body without Content-Encoding.")
	}
	if sent == "" || sent == typeJSON {
		return nil
	}
	if media, _, _ := mime.ParseMediaType(sent); media != typeJSON {
		w.Header().Set("Connection", "close")
		return newProblem(MediaTypeNotSupported, "The Content-Type is "+shown(sent)+".")
	}
	return nil
}

// check compares the body with the shape that its operation needs.
func (q *request) check() error {
	faults, err := checkJSON(q.body, q.route.body)
	if wrong, ok := errors.AsType[*syntaxError](err); ok {
		return newProblem(wrong.code, wrong.detail, Fault{
			Pointer: string(wrong.pointer), Code: wrong.code, Detail: wrong.detail,
		})
	}
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return newProblem(InvalidRequest, "", faults...)
	}
	if q.call != nil {
		q.call.Body, err = payment.CanonicalBody(q.body)
	}
	return err
}

const shownMax = 128 // characters of a client's text that are quoted back

// shown shortens a client's text before it is quoted back.
func shown(text string) string {
	n := 0
	for i := range text {
		if n++; n > shownMax {
			return strings.ToValidUTF8(text[:i], "�") + "…"
		}
	}
	return strings.ToValidUTF8(text, "�")
}
