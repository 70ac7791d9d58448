package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Checkout asks a buyer for a token on the Co-Branded pages.
type Checkout struct {
	ID         string            `json:"id" doc:"It comes back in the parameter checkout of your return_url."`
	State      string            `json:"state" enum:"open,approved,cancelled,expired" doc:"open: the buyer can approve it. approved: there is a token. cancelled: by the buyer or by you, or the buyer could not pay; message says which. expired: it was not approved in time."`
	Type       string            `json:"type" enum:"single_use,multi_use,recurring" doc:"The type of the token."`
	URL        string            `json:"url" format:"uri" doc:"Send the buyer's browser here. The address needs no signature, because nobody can guess it. Until the buyer has signed in, anybody who has it can cancel the checkout."`
	Amount     *Money            `json:"amount,omitempty" doc:"The amount of the payment, or of each payment."`
	Reference  string            `json:"reference" doc:"Your own name for the token."`
	Reserve    bool              `json:"reserve"`
	Created    time.Time         `json:"created"`
	Expires    time.Time         `json:"expires" doc:"Until when the buyer can approve it."`
	Ended      *time.Time        `json:"ended,omitempty"`
	Status     string            `json:"status,omitempty" doc:"The status in the return URL." example:"SC"`
	Message    string            `json:"message,omitempty" doc:"Why it ended without a token, for people."`
	Token      string            `json:"token,omitempty" doc:"The token that the buyer has approved."`
	Hold       string            `json:"hold,omitempty" doc:"The hold that was made with a single-use token."`
	Payment    string            `json:"payment,omitempty" doc:"The payment that was made with a single-use token, if it was no hold."`
	BuyerEmail string            `json:"buyer_email,omitempty" doc:"With collect_email: the buyer's e-mail address."`
	ShipTo     *Address          `json:"ship_to,omitempty" doc:"With collect_address: the address that the buyer has chosen. Otherwise the one that you gave."`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

var checkoutStates = words[payment.CheckoutState]{
	{"open", payment.CheckoutOpen},
	{"approved", payment.CheckoutApproved},
	{"cancelled", payment.CheckoutCancelled},
	{"expired", payment.CheckoutExpired},
}

const tagCheckouts = "Checkouts"

func addCheckouts(s *Server) {
	register(s, operation{
		id: "create-checkout", method: http.MethodPost, path: Path + "checkouts", tag: tagCheckouts,
		scope: party.ScopeHold, keyed: true, status: http.StatusCreated, summary: "Ask a buyer for a token",
		about: "Makes a checkout and returns its address. The buyer signs in there, chooses a way to pay and approves. " +
			"Then the browser comes back to `return_url` with a signed answer, and the checkout has the token. " +
			"Nothing is charged.",
	}, (*Server).createCheckout)
	register(s, operation{
		id: "list-checkouts", method: http.MethodGet, path: Path + "checkouts", tag: tagCheckouts, scope: party.ScopeRead,
		summary: "List checkouts", about: "Lists checkouts, the newest first.",
	}, (*Server).listCheckouts)
	register(s, operation{
		id: "get-checkout", method: http.MethodGet, path: Path + "checkouts/{id}", tag: tagCheckouts, scope: party.ScopeRead,
		summary: "Get a checkout", about: "Returns a checkout as it is now.",
	}, (*Server).getCheckout)
	register(s, operation{
		id: "cancel-checkout", method: http.MethodPost, path: Path + "checkouts/{id}/cancel", tag: tagCheckouts,
		scope: party.ScopeHold, summary: "Cancel a checkout",
		about: "Cancels a checkout that is open. The buyer's next page leads back to `return_url`. A checkout that is " +
			"cancelled stays as it is. Its reference can be used again, unless the buyer has cancelled it.",
	}, (*Server).cancelCheckout)
}

type checkoutAnswer struct{ Body Checkout }

type createCheckoutInput struct {
	Keyed
	Body NewCheckout
}

func (s *Server) createCheckout(ctx context.Context, q *request, in *createCheckoutInput) (*checkoutAnswer, error) {
	sent, err := in.Body.sent()
	if err != nil {
		return nil, err
	}
	q.call.Metadata = in.Body.Metadata
	v, err := s.Processor.CreateCheckout(ctx, q.caller, q.call, processor.CreateCheckout{
		Params: sent.params(), Language: in.Body.Language,
	})
	if end, ok := errors.AsType[*payment.PipelineEnd](err); ok {
		return nil, sent.refused(end)
	}
	if err != nil {
		return nil, err
	}
	return s.showCheckout(ctx, q, v.ID)
}

type listCheckoutsInput struct {
	Paged
	State       string    `query:"state" enum:"open,approved,cancelled,expired" doc:"Only checkouts in this state."`
	Reference   string    `query:"reference" maxLength:"128" doc:"Only checkouts with this reference."`
	CreatedFrom time.Time `query:"created_from" doc:"Only checkouts made at this time or later."`
	CreatedTo   time.Time `query:"created_to" doc:"Only checkouts made before this time."`
}

type checkoutsAnswer struct{ Body List[Checkout] }

func (s *Server) listCheckouts(ctx context.Context, q *request, in *listCheckoutsInput) (*checkoutsAnswer, error) {
	list := listOf(in.State, in.Reference, in.CreatedFrom, in.CreatedTo)
	at, err := q.cursorOf(in.After, list)
	if err != nil {
		return nil, err
	}
	filter := store.CheckoutFilter{
		State: checkoutStates.engine(in.State), Now: q.now(), Reference: holdfast.CallerReference(in.Reference),
		From: in.CreatedFrom, Before: in.CreatedTo,
	}
	page := List[Checkout]{Data: []Checkout{}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		all, next, err := tx.Checkouts(q.caller.ID, filter, payment.VisitID(at.id), in.Limit)
		if err != nil {
			return err
		}
		if page.More = next != ""; page.More {
			page.Next = cursor{id: string(next)}.text(q, list)
		}
		page.Data, err = s.checkoutsOf(tx, q, all)
		return err
	})
	return &checkoutsAnswer{page}, err
}

func (s *Server) getCheckout(ctx context.Context, q *request, in *ByID) (*checkoutAnswer, error) {
	return s.showCheckout(ctx, q, payment.VisitID(in.ID))
}

func (s *Server) cancelCheckout(ctx context.Context, q *request, in *ByID) (*checkoutAnswer, error) {
	v, err := s.Processor.CancelCheckout(ctx, q.caller, payment.VisitID(in.ID))
	over, isOver := errors.AsType[*payment.CheckoutStateError](err)
	switch {
	case errors.Is(err, processor.ErrNoCheckout):
		return nil, notFound("checkout")
	case isOver:
		return nil, newProblem("checkout_state", sentence(over.Error()))
	case err != nil:
		return nil, err
	}
	return s.showCheckout(ctx, q, v.ID)
}

func (s *Server) showCheckout(ctx context.Context, q *request, id payment.VisitID) (*checkoutAnswer, error) {
	answer := &checkoutAnswer{}
	err := s.view(ctx, func(tx *store.ReadTx) error {
		v, found, err := tx.Checkout(q.caller.ID, id)
		if err == nil && !found {
			err = notFound("checkout")
		}
		if err != nil {
			return err
		}
		all, err := s.checkoutsOf(tx, q, []payment.Visit{v})
		if err == nil {
			answer.Body = all[0]
		}
		return err
	})
	return answer, err
}

// checkoutsOf shows some checkouts of the caller.
func (s *Server) checkoutsOf(tx *store.ReadTx, q *request, all []payment.Visit) ([]Checkout, error) {
	ids := make([]string, len(all))
	for i, v := range all {
		ids[i] = string(v.ID)
	}
	kept, err := tx.Metadata(q.caller.ID, ids...)
	if err != nil {
		return nil, err
	}
	shown := make([]Checkout, len(all))
	for i, v := range all {
		if shown[i], err = s.checkoutOf(tx, q, v); err != nil {
			return nil, err
		}
		shown[i].Metadata = kept[string(v.ID)]
	}
	return shown, nil
}

// checkoutOf shows a checkout, without its metadata.
func (s *Server) checkoutOf(tx *store.ReadTx, q *request, v payment.Visit) (c Checkout, err error) {
	asked, err := processor.ReadAsked(tx, q.caller, v)
	if err != nil {
		return c, err
	}
	r := asked.Request
	c = Checkout{
		ID: string(v.ID), State: checkoutStates.of(v.CheckoutAt(q.now())), Type: checkoutTypes.of(r.Pipeline),
		URL: s.Public.JoinPath(payment.CheckoutPath, v.Link).String(), Amount: maybeMoney(r.Amount),
		Reference: string(v.Reference), Reserve: r.Reserve, Created: v.Created, Expires: v.Expires,
		Ended: maybeTime(v.Ended), Status: string(v.Status), Message: v.Message, Token: string(v.TokenOf()),
		ShipTo: addressOf(r.Address),
	}
	if c.Token == "" {
		return c, nil
	}
	if err := c.used(tx, q); err != nil {
		return c, err
	}
	return c, c.collected(tx, r, v)
}

// used shows what the token of an approved checkout was used for.
func (c *Checkout) used(tx *store.ReadTx, q *request) error {
	token, found, err := tx.TokenFor(q.caller.ID, holdfast.TokenID(c.Token))
	if err != nil || !found || token.UsedBy == "" {
		return err
	}
	t, _, err := tx.Transaction(q.caller.ID, token.UsedBy)
	if t.Kind == payment.KindReserve {
		c.Hold = string(t.ID)
	} else {
		c.Payment = string(t.ID)
	}
	return err
}

// collected shows what the buyer of an approved checkout has given to the caller.
func (c *Checkout) collected(tx *store.ReadTx, r payment.PipelineRequest, v payment.Visit) error {
	if r.CollectEmail {
		buyer, _, err := tx.Party(v.Sender)
		if err != nil {
			return err
		}
		c.BuyerEmail = buyer.Email
	}
	if v.Address == "" {
		return nil
	}
	a, found, err := tx.Address(v.Sender, v.Address)
	if found {
		c.ShipTo = addressOf(a.Address)
	}
	return err
}
