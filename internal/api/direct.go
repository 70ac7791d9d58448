package api

import (
	"bytes"
	"context"
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json"
)

// A direct carries out an operation without huma, which costs much for each request. It
// returns false, and has done nothing, if huma must say what is wrong.
type direct func(ctx context.Context, w *answerWriter, r *http.Request) bool

// An answering carries out an operation.
type answering[I, O any] func(*Server, context.Context, *request, *I) (*O, error)

// directly returns the direct of a keyed operation. It is nil if the input has more than
// a body, an idempotency key and an id, or the output more than a body. The body and the
// key were checked, so nothing else is left to check but the length of the id.
func directly[I, O any](s *Server, op operation, answer answering[I, O]) direct {
	input, output := reflect.TypeFor[I](), reflect.TypeFor[O]()
	body, has := input.FieldByName(bodyField)
	out, answers := output.FieldByName(bodyField)
	if !op.keyed || !has || !answers || output.NumField() != 1 || out.Type.Kind() != reflect.Struct {
		return nil
	}
	key, id := noField, noField
	for i := range input.NumField() {
		switch input.Field(i).Type {
		case body.Type:
		case reflect.TypeFor[Keyed]():
			key = i
		case reflect.TypeFor[ByID]():
			id = i
		default:
			return nil
		}
	}
	if key == noField {
		return nil
	}
	return func(ctx context.Context, w *answerWriter, r *http.Request) bool {
		q, in := w.request, new(I)
		v := reflect.ValueOf(in).Elem()
		if id != noField {
			sent := ByID{r.PathValue("id")}
			if len(sent.ID) > idMax {
				return false
			}
			v.Field(id).Set(reflect.ValueOf(sent))
		}
		v.Field(key).Set(reflect.ValueOf(Keyed{q.call.Idempotency}))
		if err := json.Unmarshal(q.body, v.FieldByIndex(body.Index).Addr().Interface(), bodyOptions); err != nil {
			return false
		}
		made, err := answer(s, ctx, q, in)
		if err != nil {
			s.sendProblem(w, s.refuse(ctx, q, err))
			return true
		}
		w.send(op.status, reflect.ValueOf(made).Elem().FieldByIndex(out.Index).Addr().Interface())
		return true
	}
}

const (
	bodyField = "Body" // of inputs and outputs
	noField   = -1     // the index of a field that is not there
)

// send answers with a value as JSON.
func (w *answerWriter) send(status int, v any) {
	b := bodyBuffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool has nothing else
	defer bodyBuffers.Put(b)
	b.Reset()
	if err := jsonFormat.Marshal(b, v); err != nil {
		panic(err) // serve answers
	}
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the client is gone, and what was done is done
}
