package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// An operation is one call of the API, such as POST /v1/holds.
type operation struct {
	id      string // of the document, of metrics and of stored calls, such as "create-hold"
	method  string
	path    string // such as "/v1/holds/{id}"
	tag     string // the group in the document
	summary string // a few words
	about   string // paragraphs of Markdown
	scope   party.Scope
	status  int // of a success; zero means 200

	// keyed operations move money, or make something that must exist once. They
	// need an Idempotency-Key.
	keyed bool
}

const operationKey = "operation" // in the metadata of huma

// register adds an operation. answer gets the input after all checks of its
// form, and returns the output or an error. An error that is not a refusal is
// answered as internal_error, and goes into the log.
func register[I, O any](s *Server, op operation, answer answering[I, O]) {
	if op.status == 0 {
		op.status = http.StatusOK
	}
	huma.Register(s.huma, huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag}, Summary: op.summary,
		Description: op.about, DefaultStatus: op.status,
		SkipValidateBody: true, // it was checked
		MaxBodyBytes:     -1,   // it was read
		BodyReadTimeout:  -1,
		Metadata:         map[string]any{operationKey: op},
	}, func(ctx context.Context, in *I) (*O, error) {
		q := requestOf(ctx)
		out, err := answer(s, ctx, q, in)
		if err != nil {
			return nil, s.refuse(ctx, q, err)
		}
		return out, nil
	})
	added := s.routes.all[len(s.routes.all)-1]
	added.direct = directly(s, op, answer)
}

// Keyed is embedded in the input of operations that need an Idempotency-Key.
type Keyed struct {
	IdempotencyKey string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" pattern:"^[!-~]+$" example:"order-1001-hold" doc:"A value of yours for this operation, such as an order number and a verb. Send the same value when you repeat the request: it is carried out once. It is kept as long as the books."`
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	return ctx.Value(requestKey{}).(*request) //nolint:forcetypeassert // serve has put it there
}
