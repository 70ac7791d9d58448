package bench

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func testDriver(seed uint64) *driver {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &driver{
		rng: rng, pick: Zipf.picker(rng, 10), numbers: newNumbers("b", 10), stock: &stock{pretend: true},
		merchants: make([]merchant, 10),
	}
}

// The same seed draws the same sequence; a different seed draws a different
// one.
func TestSeededDriversRepeat(t *testing.T) {
	draw := func(seed uint64) (orders []order) {
		d := testDriver(seed)
		for range 50 {
			o, ready, err := d.order(t.Context(), Reserve)
			if err != nil || !ready {
				t.Fatalf("no order: %v", err)
			}
			orders = append(orders, o)
		}
		return orders
	}
	same := cmp.AllowUnexported(order{})
	if diff := cmp.Diff(draw(7), draw(7), same); diff != "" {
		t.Errorf("the same seed draws two sequences:\n%s", diff)
	}
	if cmp.Equal(draw(7), draw(8), same) {
		t.Error("two seeds draw the same sequence")
	}
}

// The sandbox declines some amounts by their first decimal. A driver must not
// draw them.
func TestDrawnAmountsAreApproved(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		a := drawAmount(rng)
		if dime := a.Micro / 100_000 % 10; dime > 5 || !a.Positive() || a.Micro > amountMost.Micro {
			t.Fatalf("%v is drawn", a)
		}
	}
}

func TestSignedRequest(t *testing.T) {
	endpoint, err := url.Parse("http://127.0.0.1:8010/")
	if err != nil {
		t.Fatal(err)
	}
	key := party.AccessKey{ID: "HFKEY", Secret: holdfast.NewSecretKey("a secret")}
	s := newSigner(endpoint, (&clock{noon}).now)
	o := order{action: Reserve, token: "T", reference: "b c&d", amount: drawAmount(rand.New(rand.NewPCG(1, 1)))}
	wire, err := s.write(nil, o, key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(wire))))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		t.Fatalf("%d bytes of %d (%v)", len(body), r.ContentLength, err)
	}
	p, err := holdfast.ParseParams(string(body))
	if err != nil {
		t.Fatal(err)
	}
	signed := p[:len(p)-1]
	text := holdfast.StringToSign(r.Method, r.Host, r.URL.Path, signed)
	if !holdfast.VerifyHMAC(key.Secret, holdfast.HmacSHA256, text, p.Get("Signature")) {
		t.Errorf("the signature is wrong:\n%s", wire)
	}
	if p.Get("CallerReference") != "b c&d" || p.Get("Action") != "Reserve" {
		t.Errorf("sent %v", p)
	}
}

func TestReadAnswers(t *testing.T) {
	const held = `<?xml version="1.0"?><ReserveResponse><ReserveResult><TransactionId>14X</TransactionId><TransactionStatus>Reserved</TransactionStatus></ReserveResult></ReserveResponse>`
	const refused = `<?xml version="1.0"?><Response><Errors><Error><Code>InvalidParams</Code><Message>&lt;no&gt;</Message></Error></Errors><RequestID>r</RequestID></Response>`
	for _, row := range []struct {
		action Action
		status int
		body   string
		code   string
		acked  int
	}{
		{Reserve, 200, held, "", 1},
		{Settle, 200, held, "status Reserved", 0},
		{Status, 200, held, "", 0},
		{Activity, 200, "<BatchSize>0</BatchSize>", "", 0},
		{Reserve, 200, strings.Replace(held, "Reserved", "Failure", 1), "status Failure", 0},
		{Reserve, 200, "", "status ", 0},
		{Reserve, 400, refused, "InvalidParams", 0},
		{Reserve, 502, "<html>", "HTTP 502", 0},
	} {
		d := &driver{}
		if got := d.read(order{action: row.action, id: "14X"}, row.status, []byte(row.body)); got != row.code ||
			len(d.acked) != row.acked {
			t.Errorf("%s, %d %q: code %q and %d acknowledged, want %q and %d", row.action, row.status, row.body, got,
				len(d.acked), row.code, row.acked)
		}
	}
}

// A transaction whose Settle got no answer must be in the store, in any state.
func TestDoubtfulSettles(t *testing.T) {
	const pending = "<TransactionId>14X</TransactionId><TransactionStatus>Pending</TransactionStatus>"
	held := holding{0, "14X"}
	for _, row := range []struct {
		name string
		do   func(*driver)
		want holdfast.TransactionStatus
	}{
		{"refused", func(d *driver) { d.read(order{action: Settle, id: "14X"}, 400, nil) }, holdfast.StatusReserved},
		{"settled", func(d *driver) {
			d.read(order{action: Settle, id: "14X"}, 200, []byte(strings.Replace(pending, "Pending", "Success", 1)))
		}, holdfast.StatusSuccess},
		{
			"still pending", func(d *driver) { d.read(order{action: Settle, id: "14X"}, 200, []byte(pending)) },
			holdfast.StatusPending,
		},
		{"failed", func(d *driver) { d.read(order{action: Settle, id: "14X"}, 503, nil) }, holdfast.StatusPending},
		{"unanswered", func(d *driver) { d.doubt(order{action: Settle, id: "14X"}) }, holdfast.StatusPending},
	} {
		d := &driver{acked: []ack{{Reserve, held, holdfast.StatusReserved}}}
		row.do(d)
		b := &Bench{Merchants: 1, drivers: []*driver{d}}
		if got := b.lastAcks()[0]["14X"]; got != row.want {
			t.Errorf("%s: the expected status is %s, want %s", row.name, got, row.want)
		}
	}
}

func TestTrouble(t *testing.T) {
	for err, want := range map[error]string{
		context.Canceled:    "no HTTP",
		io.ErrUnexpectedEOF: "connection closed",
	} {
		if got := trouble(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
