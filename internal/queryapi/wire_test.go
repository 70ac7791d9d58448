package queryapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A wire sends raw bytes to a real server, as old programs did.
type wire struct {
	*world
	address string
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := newWorld(t)
	w.token("A", w.tokenOf(nil))
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	return &wire{world: w, address: server.Listener.Addr().String()}
}

func (w *wire) dial() (net.Conn, *bufio.Reader) {
	w.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	patience := time.AfterFunc(20*time.Second, func() { conn.Close() })
	w.t.Cleanup(func() { patience.Stop() })
	return conn, bufio.NewReader(conn)
}

// lookUp is a signed request that changes nothing, for the host given.
func (w *wire) lookUp(verb, host string) string {
	p := w.signed(verb, "/", "shop",
		holdfast.Params{{Name: "Action", Value: "GetTokenByCaller"}, {Name: "TokenId", Value: string(tokenID("A"))}},
		"Signature")
	return append(p, holdfast.Param{Name: "Signature", Value: sign(w.t, verb, host, "/", p)}).Encode()
}

func TestWire(t *testing.T) {
	w := newWire(t)
	_, port, _ := net.SplitHostPort(w.address)
	const form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
	get, post := w.lookUp("GET", testHost), w.lookUp("POST", testHost)
	half := strings.Index(post, "&")
	for _, row := range []struct {
		name, request string
		status, code  string // code empty: the token is found
	}{
		{"get", "GET /?" + get + " HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n", "200 OK", ""},
		{
			"get with Content-Length", "GET /?" + get + " HTTP/1.1\r\nHost: " + testHost + "\r\nContent-Length: 0\r\n\r\n",
			"200 OK", "",
		},
		{"get with a body that does not count", "GET /?" + get + " HTTP/1.1\r\nHost: " + testHost + "\r\n" + form +
			"Content-Length: 10\r\n\r\nNonsense=1", "200 OK", ""},
		{
			"get, absolute form", "GET http://" + testHost + "/?" + get + " HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n",
			"200 OK", "",
		},
		{"get, absolute form without path", "GET http://" + testHost + "?" + get + " HTTP/1.1\r\nHost: " + testHost +
			"\r\n\r\n", "200 OK", ""},
		{"get, HTTP/1.0", "GET /?" + get + " HTTP/1.0\r\nHost: " + testHost + "\r\n\r\n", "200 OK", ""},
		{"post", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, post), "200 OK", ""},
		{"post, HTTP/1.0", body("POST / HTTP/1.0\r\nHost: "+testHost+"\r\n"+form, post), "200 OK", ""},
		{"post, host in capitals", body("POST / HTTP/1.1\r\nHost: FPS.Example.TEST\r\n"+form, post), "200 OK", ""},
		{"post, port in Host only", body("POST / HTTP/1.1\r\nHost: "+testHost+":8443\r\n"+form, post), "200 OK", ""},
		{
			"post, port signed and in Host",
			body("POST / HTTP/1.1\r\nHost: "+testHost+":8443\r\n"+form, w.lookUp("POST", testHost+":8443")), "200 OK", "",
		},
		{
			"post, port signed only",
			body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, w.lookUp("POST", testHost+":"+port)), "200 OK", "",
		},
		{
			"post, name of the service signed",
			body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, w.lookUp("POST", "fps.sandbox.amazonaws.com")), "200 OK", "",
		},
		{
			"post, HTTP/1.0 without Host", body("POST / HTTP/1.0\r\n"+form, w.lookUp("POST", "fps.amazonaws.com")), "200 OK",
			"",
		},
		{"post, all in the query", body("POST /?"+post+" HTTP/1.1\r\nHost: "+testHost+"\r\n", ""), "200 OK", ""},
		{
			"post, half in the query", body("POST /?"+post[:half]+" HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, post[half:]),
			"200 OK", "",
		},
		{"post, broken charset", body("POST / HTTP/1.1\r\nHost: "+testHost+
			"\r\nContent-Type: application/x-www-form-urlencoded; charset\r\n", post), "200 OK", ""},
		{"post, chunked", "POST / HTTP/1.1\r\nHost: " + testHost + "\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(post), post), "200 OK", ""},

		{
			"post, body without Content-Type", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n", post), "403 Forbidden",
			"AuthFailure",
		},
		{
			"post, SOAP", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\nContent-Type: text/xml\r\n", "<Envelope/>"),
			"400 Bad Request", "InvalidRequest",
		},
		{
			"post signed as get", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, get), "403 Forbidden",
			"InvalidSignature",
		},
		{
			"strange host signed", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, w.lookUp("POST", "elsewhere.test")),
			"403 Forbidden", "InvalidSignature",
		},
		{
			"all twice", body("POST /?"+post+" HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, post), "400 Bad Request",
			"InvalidRequest",
		},
		{
			"broken escape", body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, post+"&Description=100%"), "400 Bad Request",
			"InvalidParams",
		},
		{
			"bad UTF-8", "GET /?" + get + "&Description=caf%E9 HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n", "400 Bad Request",
			"InvalidParams",
		},
		{
			"NUL", "GET /?" + get + "&Description=%00 HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n", "400 Bad Request",
			"InvalidParams",
		},
		{"put", body("PUT / HTTP/1.1\r\nHost: "+testHost+"\r\n"+form, post), "405 Method Not Allowed", "InvalidRequest"},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, reader := w.dial()
			if _, err := io.WriteString(conn, row.request); err != nil {
				t.Fatal(err)
			}
			answer := readAnswer(t, reader)
			if answer.status != row.status {
				t.Errorf("status %q, want %q: %s", answer.status, row.status, answer.text)
			}
			if answer.length != int64(len(answer.text)) || len(answer.coding) > 0 {
				t.Errorf("the answer of %d bytes has Content-Length %d and coding %v", len(answer.text), answer.length,
					answer.coding)
			}
			want := "<Code>" + row.code + "</Code>"
			if row.code == "" {
				want = "<TokenStatus>Active</TokenStatus>"
			}
			if !strings.Contains(answer.text, want) {
				t.Errorf("answered %s, want %s", answer.text, want)
			}
		})
	}
}

// A wireAnswer is an answer that was read to its end.
type wireAnswer struct {
	status  string // "200 OK"
	length  int64
	coding  []string
	closing bool
	text    string
}

func readAnswer(t *testing.T, reader *bufio.Reader) wireAnswer {
	t.Helper()
	r, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return wireAnswer{
		status: r.Status, length: r.ContentLength, coding: r.TransferEncoding, closing: r.Close, text: string(text),
	}
}

func body(head, content string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(content), content)
}

// Clients in PHP sign the strict form and send a looser one.
func TestWireLooseEncoding(t *testing.T) {
	w := newWire(t)
	p := w.signed("POST", "/", "shop", holdfast.Params{
		{Name: "Action", Value: "Reserve"},
		{Name: "SenderTokenId", Value: string(tokenID("A"))},
		{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
		{Name: "TransactionAmount.Value", Value: "5"},
		{Name: "CallerReference", Value: "a~b*c:d/e,f"},
		{Name: "CallerDescription", Value: "Tea; cakes  café + 50%"},
	})
	loose := strings.NewReplacer("~", "%7e", "%2A", "*", "%3A", ":", "%2F", "/", "%2C", ",", "%20", "+", "%3B",
		";").Replace(p.Encode())
	if loose == p.Encode() {
		t.Fatal("nothing is loose")
	}
	conn, reader := w.dial()
	fmt.Fprint(conn, body("POST / HTTP/1.1\r\nHost: "+testHost+"\r\nContent-Type: application/x-www-form-urlencoded\r\n",
		loose))
	if answer := readAnswer(t, reader); answer.status != "200 OK" {
		t.Errorf("answered %s %s", answer.status, answer.text)
	}
}

func TestWireExpectContinue(t *testing.T) {
	w := newWire(t)
	form := w.lookUp("POST", testHost)
	conn, reader := w.dial()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: "+
		"application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", testHost, len(form))
	if line, err := reader.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v; want to be told to continue", line, err)
	}
	if line, err := reader.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("got %q, %v after 100", line, err)
	}
	fmt.Fprint(conn, form)
	if answer := readAnswer(t, reader); answer.status != "200 OK" {
		t.Fatalf("answered %s %s", answer.status, answer.text)
	}
}

func TestWireTooLarge(t *testing.T) {
	w := newWire(t)
	const most = 64 << 10
	query := w.lookUp("POST", testHost)
	filling := "&Nonsense=" + strings.Repeat("x", most-len(query)-len("&Nonsense="))
	const head = " HTTP/1.1\r\nHost: " + testHost + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	chunks := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) }
	for _, row := range []struct {
		name, request, want string
		closed              bool
	}{
		{"the limit", body("POST /?"+query+head, filling), "<Code>InvalidSignature</Code>", false},
		{"a byte more", body("POST /?"+query+head, filling+"x"), "<Message>The request is too large.</Message>", true},
		{"a byte more, length not told", "POST /?" + query + head + "Transfer-Encoding: chunked\r\n\r\n" +
			chunks(filling+"x"), "<Message>The request is too large.</Message>", true},
		{
			"told, and not sent", "POST /" + head + "Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n",
			"<Message>The request is too large.</Message>", true,
		},
		{
			"query alone", "GET /?" + query + filling + "xx HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n",
			"<Message>The request is too large.</Message>", true,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, reader := w.dial()
			if _, err := io.WriteString(conn, row.request); err != nil {
				t.Fatal(err)
			}
			answer := readAnswer(t, reader)
			if !strings.Contains(answer.text, row.want) || answer.closing != row.closed {
				t.Errorf("answered %s %s, closing %v; want %s, closing %v", answer.status, answer.text, answer.closing, row.want,
					row.closed)
			}
			if row.closed && answer.status != "400 Bad Request" {
				t.Errorf("status %s, want 400", answer.status)
			}
		})
	}
}

// The SDK works on the same wire.
func TestSDK(t *testing.T) {
	w := newWire(t)
	c := &holdfast.Client{
		Endpoint: "http://" + w.address + "/", AccessKeyID: keys["shop"], SecretKey: holdfast.NewSecretKey(secret),
		Now: w.clock, RetriesMax: -1,
	}
	held, err := c.Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: tokenID("A"), CallerReference: "order-1001",
		TransactionAmount: w.tokenOf([]string{"amount=12.50"}).Amount,
	})
	if err != nil || held.Status != holdfast.StatusReserved || !held.Deadline.Equal(testNow.Add(7*24*time.Hour)) ||
		!held.ServerTime.Equal(testNow) {
		t.Fatalf("Reserve: %+v, %v", held, err)
	}
	if _, err := c.AdvanceClock(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if clock, err := c.Clock(t.Context()); err != nil || clock.Offset != 24*time.Hour ||
		!clock.Now.Equal(testNow.Add(24*time.Hour)) {
		t.Fatalf("Clock: %+v, %v", clock, err)
	}
	settled, err := c.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
	if err != nil || settled.Status != holdfast.StatusSuccess {
		t.Fatalf("Settle: %+v, %v", settled, err)
	}
	detail, err := c.GetTransaction(t.Context(), held.TransactionID)
	if err != nil || detail.Operation != holdfast.OperationSettle || len(detail.History) != 4 ||
		!detail.DateCompleted.Equal(testNow.Add(24*time.Hour)) {
		t.Fatalf("GetTransaction: %+v, %v", detail, err)
	}
	if _, err := c.ResetClock(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Bytes after a request with two lengths are ignored, because a proxy in front
// may have read them as a part of the first request.
func TestWireTwoLengths(t *testing.T) {
	w := newWire(t)
	post := w.lookUp("POST", testHost)
	conn, reader := w.dial()
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	first := "POST / HTTP/1.1\r\nHost: " + testHost + "\r\n" + form +
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(post), post)
	if _, err := io.WriteString(conn, first+"GET /?smuggled=1 HTTP/1.1\r\nHost: "+testHost+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer := readAnswer(t, reader); !answer.closing {
		t.Errorf("the connection stays open after %q", answer.status)
	}
	if more, err := io.ReadAll(reader); err != nil || len(more) > 0 {
		t.Errorf("then came %q (%v)", more, err)
	}
}

func TestWireContentEncoding(t *testing.T) {
	w := newWire(t)
	post := w.lookUp("POST", testHost)
	for coding, status := range map[string]string{"gzip": "400 Bad Request", "identity": "200 OK"} {
		conn, reader := w.dial()
		if _, err := fmt.Fprintf(conn,
			"POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Encoding: "+
				"%s\r\nContent-Length: %d\r\n\r\n%s", testHost, coding, len(post), post); err != nil {
			t.Fatal(err)
		}
		answer := readAnswer(t, reader)
		if answer.status != status || coding == "gzip" &&
			!strings.Contains(answer.text, "Content-Encoding gzip is not understood; send it without.") {
			t.Errorf("%s: %s %s", coding, answer.status, answer.text)
		}
	}
}
