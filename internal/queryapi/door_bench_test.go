package queryapi_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// BenchmarkReserveAtTheDoor measures everything of a signed Reserve except the
// processor and HTTP.
func BenchmarkReserveAtTheDoor(b *testing.B) {
	w, form := reserveAtTheDoor(b)
	body := strings.NewReader(form)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+testHost+"/", body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.URL.Scheme, r.URL.Host, r.Host = "", "", testHost // as in a server
	answer := discarding{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(form)
		clear(answer.header)
		w.handler.ServeHTTP(&answer, r)
		if answer.status != http.StatusOK {
			b.Fatal(answer.status)
		}
	}
}

// BenchmarkReserveOverHTTP measures a signed Reserve on a connection of its own,
// without the processor. The figures include the time of the client, which allocates
// nothing.
func BenchmarkReserveOverHTTP(b *testing.B) {
	w, form := reserveAtTheDoor(b)
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := http.Server{ // with the limits of cmd/holdfast
		Handler: w.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	go server.Serve(listener) //nolint:errcheck // it ends with the benchmark
	defer server.Close()
	client, err := new(net.Dialer).DialContext(b.Context(), "tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nContent-Length: %d\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\n\r\n%s", testHost, len(form), form)
	answer := bufio.NewReader(client)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		skipAnswer(b, answer)
	}
}

// reserveAtTheDoor returns the form of a signed Reserve in a world that always
// answers Reserved.
func reserveAtTheDoor(b *testing.B) (*world, string) {
	b.Helper()
	w := newWorld(b)
	w.server.NewRequestID = nil // random, as in a server
	b.Cleanup(queryapi.PretendReserve(payment.Transaction{
		ID: transactionID(1), Kind: payment.KindReserve, State: payment.Reserved,
		Deadline: testNow.Add(payment.ReserveLifeMax),
	}))
	return w, w.signed(http.MethodPost, "/", "shop", holdfast.Params{
		{Name: "Action", Value: "Reserve"},
		{Name: "SenderTokenId", Value: string(tokenID("A"))},
		{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
		{Name: "TransactionAmount.Value", Value: "12.50"},
		{Name: "CallerReference", Value: "order-1001"},
		{Name: "CallerDescription", Value: "Tea & cakes ~ 50% off* (café)"},
	}).Encode()
}

// discarding forgets an answer's body.
type discarding struct {
	header http.Header
	status int
}

func (d *discarding) Header() http.Header         { return d.header }
func (d *discarding) WriteHeader(status int)      { d.status = status }
func (d *discarding) Write(b []byte) (int, error) { return len(b), nil }

// skipAnswer reads an answer with status 200 and a Content-Length.
func skipAnswer(b *testing.B, from *bufio.Reader) {
	b.Helper()
	length := 0
	for first := true; ; first = false {
		line, err := from.ReadSlice('\n')
		switch {
		case err != nil:
			b.Fatal(err)
		case first && !strings.HasPrefix(string(line), "HTTP/1.1 200"):
			b.Fatalf("%s", line)
		case len(line) == len("\r\n"):
			if _, err := from.Discard(length); err != nil {
				b.Fatal(err)
			}
			return
		}
		if digits, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if _, err := fmt.Sscan(digits, &length); err != nil {
				b.Fatal(err)
			}
		}
	}
}
