package queryapi

import "context"

// reserve holds funds on the sender's credit card (Query API Reference,
// Reserve).
var reserve = action{name: "Reserve", parameters: paymentParameters, answer: (*Server).reserve}

func (s *Server) reserve(ctx context.Context, q *request, out *document) error {
	r, err := paymentRequest(q.params)
	if err != nil {
		return err
	}
	t, err := s.Processor.Reserve(ctx, q.caller, r)
	return q.moved(t, err, out)
}
