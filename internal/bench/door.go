package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/holdfast-pay/holdfast"
)

// A Door is an API of the server that a bench sends its Reserves to.
type Door string

// The doors.
const (
	DoorFPS  Door = "fps"  // the signed Query API
	DoorJSON Door = "json" // measured after the Query API in the same run, to compare
)

// A DoorResult compares the two doors.
type DoorResult struct {
	FPS      Figures `json:"fps"`
	FPSUsage *Usage  `json:"fpsProcess,omitempty"`
	Share    float64 `json:"share"` // the rate of the JSON API as a part of the Query API's
}

// measureDoors measures twice: with the Query API and with the JSON API. All
// merchants have a JSON key, so both cause the same events.
func (b *Bench) measureDoors(ctx context.Context) (Result, error) {
	first, err := b.measure(ctx, phase{doing: "measuring the Query API", lasts: b.Duration})
	if err != nil {
		return first, err
	}
	if err := b.stockUp(ctx, b.Duration); err != nil {
		return first, err
	}
	json := newJSONRequests(b.Endpoint)
	for _, d := range b.drivers {
		d.json = json
	}
	r, err := b.measure(ctx, phase{doing: "measuring the JSON API", lasts: b.Duration})
	if err != nil {
		return r, err
	}
	r.Doors = &DoorResult{FPS: first.Figures, FPSUsage: first.Process}
	if first.Rate > 0 {
		r.Doors.Share = round(r.Rate/first.Rate, 3)
	}
	return r, nil
}

// jsonRequests writes holds for the JSON API.
type jsonRequests struct{ head string }

func newJSONRequests(endpoint *url.URL) *jsonRequests {
	return &jsonRequests{"POST /v1/holds HTTP/1.1\r\nHost: " + endpoint.Host + "\r\nContent-Type: application/json\r\n"}
}

// write appends a complete request.
func (j *jsonRequests) write(b []byte, o order, key string) []byte {
	body := `{"token":"` + string(o.token) + `","amount":{"amount":"` + o.amount.Decimal() + `","currency":"` +
		string(o.amount.Currency) + `"}}`
	b = append(b, j.head...)
	b = append(b, "Authorization: Bearer "...)
	b = append(b, key...)
	b = append(b, "\r\nIdempotency-Key: "...)
	b = append(b, o.reference...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

// jsonStates are the states of new holds as the Query API calls them.
var jsonStates = map[string]holdfast.TransactionStatus{
	"held": holdfast.StatusReserved, "pending": holdfast.StatusPending,
}

// readJSON records the hold that an answer acknowledges. It returns the code of a
// problem.
func (d *driver) readJSON(o order, status int, body []byte) (code string) {
	var answer struct {
		ID    holdfast.TransactionID `json:"id"`
		State string                 `json:"state"`
		Code  string                 `json:"code"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Sprintf("HTTP %d", status)
	}
	if status != http.StatusCreated {
		return answer.Code
	}
	state, known := jsonStates[answer.State]
	if !known {
		return "state " + answer.State
	}
	held := holding{o.merchant, answer.ID}
	d.held = append(d.held, held)
	d.acked = append(d.acked, ack{o.action, held, state})
	return ""
}
