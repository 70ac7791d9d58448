package stripefake_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

const customersPath = "/v1/customers"

func TestKeyRepeatsTheFirstAnswer(t *testing.T) {
	f := newFake(t)
	first := f.keyed(200, "POST", customersPath, "k", "name=Ann&metadata[a]=1")
	again := f.keyed(200, "POST", customersPath, "k", "metadata[a]=1&name=Ann")
	if first.text != again.text || again.header.Get("Idempotent-Replayed") != "true" ||
		first.header.Get("Idempotent-Replayed") != "" || first.header.Get("Request-Id") == again.header.Get("Request-Id") {
		t.Errorf("the repeat is %v %s", again.header, again.text)
	}
	other := f.keyed(400, "POST", customersPath, "k", "name=Bob")
	f.want(other, "error.type", "idempotency_error")
	f.want(f.keyed(400, "POST", "/v1/customers/"+first.id(), "k", "name=Ann&metadata[a]=1"), "error.type",
		"idempotency_error")

	f.clock.move(24*time.Hour - time.Second)
	if f.keyed(200, "POST", customersPath, "k", "name=Ann&metadata[a]=1").id() != first.id() {
		t.Error("the key was forgotten within a day")
	}
	f.clock.move(time.Second)
	if f.keyed(200, "POST", customersPath, "k", "name=Ann&metadata[a]=1").id() == first.id() {
		t.Error("the key was not forgotten after a day")
	}
}

func TestForgottenKeysAreNewRequests(t *testing.T) {
	f := newFake(t)
	first := f.keyed(200, "POST", customersPath, "k", "name=Ann")
	f.ForgetKeys()
	if f.keyed(200, "POST", customersPath, "k", "name=Ann").id() == first.id() {
		t.Error("the key was not forgotten")
	}
}

// A key belongs to a mode.
func TestKeysOfTestAndLiveModeAreApart(t *testing.T) {
	f := newFake(t)
	first := f.keyed(200, "POST", customersPath, "k", "name=Ann")
	f.key = stripefake.LiveKey
	live := f.keyed(200, "POST", customersPath, "k", "name=Ann")
	f.want(live, "livemode", true)
	if live.id() == first.id() {
		t.Error("test and live mode share a key")
	}
}

func TestWhatIsStoredUnderAKey(t *testing.T) {
	for _, row := range []struct {
		name   string
		script stripefake.Trouble
		first  int
		stored bool // the repeat gets the same answer, and has no effect
		made   int  // customers after both
	}{
		{"500 before", stripefake.ErrorBefore, 500, true, 0},
		{"500 after", stripefake.ErrorAfter, 500, true, 1},
		{"409", stripefake.Conflict, 409, false, 1},
		{"429 lock", stripefake.LockTimeout, 429, false, 1},
		{"429 rate", stripefake.RateLimited, 429, false, 1},
		{"503", stripefake.Unavailable, 503, false, 1},
		{"401", stripefake.WrongKey, 401, false, 1},
	} {
		f := newFake(t)
		f.Next("POST", customersPath, row.script)
		f.keyed(row.first, "POST", customersPath, "k", "name=Ann")
		want := 200
		if row.stored {
			want = row.first
		}
		again := f.keyed(want, "POST", customersPath, "k", "name=Ann")
		if replayed := again.header.Get("Idempotent-Replayed") == "true"; replayed != row.stored {
			t.Errorf("%s: replayed is %v", row.name, replayed)
		}
		if made := len(f.Objects("customer")); made != row.made {
			t.Errorf("%s: %d customers, want %d", row.name, made, row.made)
		}
	}
}

func TestConnectionsThatBreak(t *testing.T) {
	for _, row := range []struct {
		name   string
		script stripefake.Trouble
		made   int
	}{
		{"before", stripefake.LoseRequest, 0},
		{"after", stripefake.LoseReply, 1},
		{"cut body", stripefake.CutBody, 1},
	} {
		f := newFake(t)
		f.post(customersPath, "name=First") // so that the connection is used again
		f.Next("POST", customersPath, row.script)
		if got, err := f.try("POST", customersPath, "k", "name=Ann"); err == nil {
			t.Errorf("%s: answer is %d %s", row.name, got.status, got.text)
		}
		if made := len(f.Objects("customer")) - 1; made != row.made {
			t.Errorf("%s: %d customers, want %d", row.name, made, row.made)
		}
		again := f.keyed(200, "POST", customersPath, "k", "name=Ann")
		if replayed := again.header.Get("Idempotent-Replayed") == "true"; replayed != (row.made == 1) {
			t.Errorf("%s: replayed is %v", row.name, replayed)
		}
		if made := len(f.Objects("customer")) - 1; made != 1 {
			t.Errorf("%s: %d customers after the repeat", row.name, made)
		}
	}
}

func TestPageInPlaceOfAnAnswer(t *testing.T) {
	f := newFake(t)
	f.Next("", "/v1/*", stripefake.HTML)
	got := f.do(200, "GET", "/v1/events", "")
	if got.header.Get("Content-Type") != "text/html" || !strings.HasPrefix(got.text, "<html>") {
		t.Errorf("answer is %s", got.text)
	}
}

// While the first request with a key is under way, a second one gets 409. The
// hook runs before, or after, the first has taken effect.
func TestKeyInUse(t *testing.T) {
	for _, row := range []struct {
		script stripefake.Trouble
		made   int // while the hook runs
	}{{stripefake.SlowBefore, 0}, {stripefake.SlowAfter, 1}} {
		f := newFake(t)
		ran := false
		f.Script(stripefake.Script{Path: customersPath, Do: row.script, Hook: func(*http.Request) {
			ran = true
			second := f.keyed(409, "POST", customersPath, "k", "name=Ann")
			f.want(second, "error.code", "idempotency_key_in_use")
			if second.header.Get("Stripe-Should-Retry") != "true" {
				t.Error("the second may not be repeated")
			}
			if made := len(f.Objects("customer")); made != row.made {
				t.Errorf("%d customers while the hook runs, want %d", made, row.made)
			}
		}})
		first := f.keyed(200, "POST", customersPath, "k", "name=Ann")
		again := f.keyed(200, "POST", customersPath, "k", "name=Ann")
		if !ran || first.text != again.text {
			t.Errorf("ran is %v, repeat is %s", ran, again.text)
		}
	}
}

func TestScriptsAreUsedInOrder(t *testing.T) {
	f := newFake(t)
	f.Script(stripefake.Script{Method: "GET", Path: "/v1/customers/*", Do: stripefake.Unavailable, Times: 2})
	f.Next("GET", "/v1/customers/*", stripefake.LockTimeout)
	id := f.post(customersPath, "").id()
	for _, want := range []int{503, 503, 429, 200} {
		f.do(want, "GET", customersPath+"/"+id, "")
	}
	f.Script(stripefake.Script{Path: "/v1/customers/*", Do: stripefake.Unavailable, Times: -1})
	f.do(503, "GET", customersPath+"/"+id, "")
	f.do(503, "GET", customersPath+"/"+id, "")
	if left := f.Unscript(); left != 1 {
		t.Errorf("%d scripts left", left)
	}
	f.get(customersPath+"/"+id, "")
}

// A refusal of the object's state is stored like any answer of an execution. One
// of the request itself is not.
func TestRefusalsUnderAKey(t *testing.T) {
	f := newFake(t)
	id := f.intent("pm_card_visa", 500, "").id()
	f.keyed(400, "POST", "/v1/payment_intents/"+id+"/capture", "capture", "")
	f.post("/v1/payment_intents/"+id+"/confirm", "off_session=true")
	got := f.keyed(400, "POST", "/v1/payment_intents/"+id+"/capture", "capture", "")
	f.want(got, "error.payment_intent.status", "requires_confirmation")
	if got.header.Get("Idempotent-Replayed") != "true" {
		t.Error("the refusal was not stored")
	}
	f.keyed(400, "POST", "/v1/payment_intents", "create", "amount=49&currency=usd&payment_method_types[]=card")
	f.keyed(200, "POST", "/v1/payment_intents", "create", "amount=50&currency=usd&payment_method_types[]=card")
}

func TestPostWithoutKeyIsAFault(t *testing.T) {
	f := newFake(t)
	f.keyed(200, "POST", customersPath, "", "name=Ann")
	f.wantFaults("no Idempotency-Key")
	f.keyed(400, "POST", customersPath, strings.Repeat("k", 256), "name=Ann")
	f.wantFaults("256 characters")
}

func TestRequestsAreCounted(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	f.get("/v1/payment_intents/"+id, "")
	for endpoint, want := range map[string]int{
		"POST /v1/payment_intents": 1, "POST /v1/payment_intents/{id}/confirm": 1, "GET /v1/payment_intents/{id}": 1,
		"POST /v1/payment_intents/{id}/cancel": 0,
	} {
		if got := f.Count(endpoint); got != want {
			t.Errorf("%s: %d requests, want %d", endpoint, got, want)
		}
	}
	last := f.Requests()[len(f.Requests())-2]
	if last.Endpoint != "POST /v1/payment_intents/{id}/confirm" || last.Form["off_session"] != "true" ||
		last.Status != 200 ||
		last.Key == "" || !last.At.Equal(f.clock.Now()) {
		t.Errorf("the request before the last is %+v", last)
	}
}
