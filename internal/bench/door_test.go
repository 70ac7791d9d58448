package bench

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/money"
)

func TestJSONRequest(t *testing.T) {
	endpoint, err := url.Parse("http://127.0.0.1:8010/")
	if err != nil {
		t.Fatal(err)
	}
	o := order{action: Reserve, token: "T", reference: "b1", amount: money.Cents(12_50)}
	wire := newJSONRequests(endpoint).write(nil, o, "hf_test_J1_x")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(wire))))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		t.Fatalf("%d bytes of %d (%v)", len(body), r.ContentLength, err)
	}
	if r.URL.Path != "/v1/holds" || r.Header.Get("Authorization") != "Bearer hf_test_J1_x" ||
		r.Header.Get("Idempotency-Key") != "b1" ||
		string(body) != `{"token":"T","amount":{"amount":"12.50","currency":"USD"}}` {
		t.Errorf("sent %v %s", r.Header, body)
	}
}

func TestReadJSONAnswers(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		code   string
		acked  int
	}{
		{201, `{"id":"14X","state":"held"}`, "", 1},
		{201, `{"id":"14X","state":"pending"}`, "", 1},
		{201, `{"id":"14X","state":"failed"}`, "state failed", 0},
		{422, `{"code":"token_used"}`, "token_used", 0},
		{502, `<html>`, "HTTP 502", 0},
	} {
		d := &driver{json: &jsonRequests{}}
		if got := d.read(order{action: Reserve}, row.status, []byte(row.body)); got != row.code || len(d.acked) != row.acked {
			t.Errorf("%d %s: code %q and %d acknowledged, want %q and %d", row.status, row.body, got, len(d.acked), row.code,
				row.acked)
		}
	}
}
