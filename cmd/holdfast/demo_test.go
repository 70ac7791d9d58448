package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const patience = time.Minute // for anything that happens by itself

// A process is a demo that runs as a process of its own.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    *bytes.Buffer
	lines  chan string
	answer demoAnswer
	ended  chan error
}

// startDemo starts a demo on a directory and waits until it answers.
func startDemo(t testing.TB, dir string, more ...string) *process {
	t.Helper()
	p := &process{t: t, log: &bytes.Buffer{}, lines: make(chan string, 100), ended: make(chan error, 1)}
	p.cmd = exec.Command("holdfast", append([]string{"demo", "--json", "--data", dir}, more...)...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
		close(p.lines)
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			if err := errors.Join(p.cmd.Process.Kill(), <-p.ended); err == nil {
				t.Error("the demo ended by itself")
			}
		}
		if t.Failed() {
			t.Logf("the demo's log:\n%s", p.log)
		}
	})
	select {
	case line, ok := <-p.lines:
		if !ok {
			t.Fatalf("the demo ended: %v", <-p.ended)
		}
		if err := json.Unmarshal([]byte(line), &p.answer); err != nil {
			t.Fatalf("the demo prints %q: %v", line, err)
		}
	case <-time.After(patience):
		t.Fatal("the demo does not start")
	}
	return p
}

// end sends a signal. It returns how the process ended and its output after the
// first line.
func (p *process) end(signal os.Signal) (more []string, err error) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("the demo does not end at %v", signal)
	}
	for line := range p.lines {
		more = append(more, line)
	}
	return more, err
}

func (p *process) client() *holdfast.Client {
	return &holdfast.Client{
		Endpoint: p.answer.Endpoint, CoBranded: p.answer.CoBranded,
		AccessKeyID: p.answer.AccessKeyID, SecretKey: holdfast.NewSecretKey(p.answer.SecretAccessKey),
	}
}

// token takes the buyer through the pages and returns the token.
func (p *process) token(ref holdfast.CallerReference, amount money.Amount) holdfast.TokenID {
	p.t.Helper()
	const returnURL = "http://127.0.0.1:4711/return"
	client := p.client()
	link, err := client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: ref, ReturnURL: returnURL, TransactionAmount: amount, PaymentReason: "A test", Reserve: true,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	buyer := newBrowser(p.t)
	buyer.StopAt = returnURL
	buyer.Open(link)
	buyer.authorise(p.answer.BuyerEmail, p.answer.BuyerPassword)
	back, err := holdfast.Verifier{
		CallerID: holdfast.CallerID(p.answer.CallerID), Client: client,
	}.ParseReturn(p.t.Context(), buyer.Left)
	if err != nil {
		p.t.Fatalf("reading the return %s: %v", buyer.Left, err)
	}
	if !back.Authorised() || back.CallerReference != ref {
		p.t.Fatalf("the return has status %s for %s", back.Status, back.CallerReference)
	}
	return back.TokenID
}

// holdfastCommand runs another command of the binary and returns its output
// and exit code.
func holdfastCommand(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	text, err := exec.Command("holdfast", args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

func booksAreRight(t *testing.T, dir string) {
	t.Helper()
	if out, code := holdfastCommand(t, "books", "check", "--data", dir); code != 0 {
		t.Errorf("books check: exit code %d\n%s", code, out)
	}
}

// eventually repeats a check until it succeeds.
func eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

func status(t testing.TB, c *holdfast.Client, id holdfast.TransactionID) holdfast.TransactionState {
	t.Helper()
	state, err := c.GetTransactionStatus(t.Context(), id)
	if err != nil {
		t.Fatalf("asking for the status of %s: %v", id, err)
	}
	return state
}

func becomes(t testing.TB, c *holdfast.Client, id holdfast.TransactionID, want holdfast.TransactionStatus) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s is %s", id, want), func() bool { return status(t, c, id).Status == want })
}

func TestDemoTakesAnOrderAllTheWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	demo := startDemo(t, dir)
	client := demo.client()
	ctx := t.Context()

	held, err := client.Reserve(ctx, holdfast.ReserveRequest{
		SenderTokenID: demo.token("order-1-pay", money.Cents(4250)), CallerReference: "order-1",
		TransactionAmount: money.Cents(4250),
	})
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, client, held.TransactionID, holdfast.StatusReserved)
	demo.accountShows("$42.50")
	if _, err := client.Settle(ctx,
		holdfast.SettleRequest{ReserveTransactionID: held.TransactionID, TransactionAmount: money.Cents(4000)}); err != nil {
		t.Fatal(err)
	}
	becomes(t, client, held.TransactionID, holdfast.StatusSuccess)
	booksAreRight(t, dir)

	// One directory, one demo.
	out, code := holdfastCommand(t, "demo", "--json", "--data", dir)
	if code != exitFailed || !strings.Contains(out, "another demo is running on "+dir) {
		t.Errorf("a second demo on the same directory: exit code %d\n%s", code, out)
	}

	// Ctrl-C stops cleanly, and the next start finds everything as it was.
	if more, err := demo.end(os.Interrupt); err != nil || len(more) > 0 {
		t.Fatalf("after Ctrl-C: %v; printed %q", err, more)
	}
	again := startDemo(t, dir)
	if diff := cmp.Diff(demo.answer, again.answer); diff != "" {
		t.Errorf("the second start differs from the first (-first +second):\n%s", diff)
	}
	if got := status(t, again.client(), held.TransactionID); got.Status != holdfast.StatusSuccess {
		t.Errorf("after a restart the transaction is %s", got.Status)
	}
	again.token("order-2-pay", money.Cents(100)) // the buyer still has a password and a card
	if more, err := again.end(syscall.SIGTERM); err != nil || len(more) > 0 {
		t.Fatalf("after SIGTERM: %v; printed %q", err, more)
	}

	for name, want := range map[string]os.FileMode{demoFile: 0o600, serverFile: 0o600, shopFile: 0o600, ".": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v: there are secrets in it", name, got, want)
		}
	}
	if strings.Contains(demo.log.String(), demo.answer.SecretAccessKey) ||
		strings.Contains(demo.log.String(), demo.answer.BuyerPassword) {
		t.Error("there is a secret in the log")
	}
	booksNameTheRow(t, dir, held.TransactionID)
}

// The same order through the shop: cart, Pay now, the pages, the thank-you
// page, the packing bench.
func TestDemoShopSellsAndShips(t *testing.T) {
	dir := t.TempDir()
	demo := startDemo(t, dir)
	b := newBrowser(t)
	b.Open(demo.answer.Shop + "products/mug")
	forms := postForms(t, b.Page)
	forms[0].fields.Set("quantity", "2")
	b.submit(forms[0])
	b.Open(demo.answer.Shop + "cart")
	b.submitTo("/pay")
	b.authorise(demo.answer.BuyerEmail, demo.answer.BuyerPassword)
	if !strings.Contains(b.Page, `id="thank-you"`) {
		t.Fatalf("the way ends at %s:\n%s", b.At.Path, b.Page)
	}
	order := strings.TrimPrefix(b.At.Path, "/orders/")

	packer := newBrowser(t)
	bench := demo.answer.Shop + benchPath + "/orders/" + order
	eventually(t, "the order waits on the bench", func() bool {
		packer.Open(bench)
		return strings.Contains(packer.Page, `data-state="ToShip"`)
	})
	packer.submitTo("/bench/orders/" + order + "/ship")
	eventually(t, "the order is shipped", func() bool {
		packer.Open(bench)
		return strings.Contains(packer.Page, `data-state="Shipped"`)
	})
	if want := "57.50"; !strings.Contains(packer.Page, want) { // 2 × 24.00, shipping 6.50, tax 3.00
		t.Errorf("the bench does not say that %s was charged:\n%s", want, packer.Page)
	}
	eventually(t, "the shop hears of everything", func() bool {
		told := rows(t, filepath.Join(dir, serverFile), `SELECT count(*) FROM events`)
		heard := rows(t, filepath.Join(dir, shopFile), `SELECT count(*) FROM holdfast_events WHERE waiting IS NULL`)
		return told > 3 && heard == told
	})
	booksAreRight(t, dir)
}

// rows counts rows of a database.
func rows(t *testing.T, file, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// booksNameTheRow changes a posting directly in the store.
func booksNameTheRow(t *testing.T, dir string, id holdfast.TransactionID) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, serverFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE steps SET postings = replace(postings, '"held"', '"fees"') WHERE transaction_id = $1`,
		id); err != nil {
		t.Fatal(err)
	}
	out, code := holdfastCommand(t, "books", "check", "--data", dir)
	if code != exitFailed || !strings.Contains(out, string(id)) || !strings.Contains(out, "The books are wrong in ") {
		t.Errorf("with a false posting: exit code %d\n%s", code, out)
	}
	out, code = holdfastCommand(t, "books", "check", "--json", "--data", dir)
	finding := `"findings":[{"table":"`
	if code != exitFailed || !strings.HasPrefix(out, `{"right":false,`) || !strings.Contains(out, finding) ||
		!strings.Contains(out, string(id)) {
		t.Errorf("with a false posting, in JSON: exit code %d\n%s", code, out)
	}
}

func TestSevenDaysPassByCommand(t *testing.T) {
	dir := t.TempDir()
	demo := startDemo(t, dir)
	client := demo.client()
	held, err := client.Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: demo.token("late-pay", money.Cents(1250)), CallerReference: "late",
		TransactionAmount: money.Cents(1250),
	})
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, client, held.TransactionID, holdfast.StatusReserved)

	if out, code := holdfastCommand(t, "clock", "advance", "7d", "--data", dir); code != 0 ||
		!strings.Contains(out, " 7d ahead") || !strings.Contains(out, "reaches: 1.") {
		t.Fatalf("clock advance: exit code %d\n%s", code, out)
	}
	_, err = client.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
	if refusal, ok := errors.AsType[*holdfast.Error](err); !ok || refusal.Code != holdfast.InvalidTransactionState {
		t.Errorf("Settle after the deadline: %v, want InvalidTransactionState", err)
	}
	got := status(t, client, held.TransactionID)
	if got.Status != holdfast.StatusCancelled || got.StatusCode != holdfast.CodeExpired {
		t.Errorf("after the deadline the transaction is %s/%s, want Cancelled/Expired", got.Status, got.StatusCode)
	}
	booksAreRight(t, dir)

	// The same clock, seen through the server.
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(demo.answer.SecretAccessKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	through := []string{
		"--server", demo.answer.Endpoint, "--access-key-id", demo.answer.AccessKeyID, "--secret-file", secret, "--json",
	}
	if out, code := holdfastCommand(t, append([]string{"clock", "show"}, through...)...); code != 0 ||
		!strings.Contains(out, `"offset":"168h0m0s"`) {
		t.Errorf("clock show through the server: exit code %d\n%s", code, out)
	}
	if out, code := holdfastCommand(t, append([]string{"clock", "reset"}, through...)...); code != 0 ||
		!strings.Contains(out, `"offset":"0s"`) {
		t.Errorf("clock reset through the server: exit code %d\n%s", code, out)
	}
	if out, code := holdfastCommand(t, "clock", "show", "--data", dir); code != 0 ||
		!strings.Contains(out, "which is real time") {
		t.Errorf("clock show after a reset: exit code %d\n%s", code, out)
	}
}

// Requests that a killed server may have carried out are sent again to the next
// one. Each is carried out once.
func TestKilledInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	demo := startDemo(t, dir)
	const orders = 12
	requests := make([]holdfast.ReserveRequest, orders)
	for i := range requests {
		ref := holdfast.CallerReference(fmt.Sprintf("order-%d", i))
		requests[i] = holdfast.ReserveRequest{
			SenderTokenID: demo.token(ref+"-pay", money.Cents(1000)), CallerReference: ref, TransactionAmount: money.Cents(1000),
		}
	}
	impatient := demo.client()
	impatient.RetriesMax = -1
	first := make([]holdfast.TransactionID, orders)
	var asking sync.WaitGroup
	answered := make(chan struct{}, orders)
	for i, request := range requests {
		asking.Go(func() {
			if result, err := impatient.Reserve(context.Background(), request); err == nil {
				first[i] = result.TransactionID
			}
			answered <- struct{}{}
		})
	}
	<-answered // some are through, others are not
	if _, err := demo.end(os.Kill); err == nil {
		t.Error("the demo ended by itself")
	}
	asking.Wait()

	again := startDemo(t, dir)
	booksAreRight(t, dir)
	client := again.client()
	seen := map[holdfast.TransactionID]bool{}
	for i, request := range requests {
		result, err := client.Reserve(t.Context(), request)
		if err != nil {
			t.Fatalf("sending %s again: %v", request.CallerReference, err)
		}
		if first[i] != "" && result.TransactionID != first[i] || seen[result.TransactionID] {
			t.Errorf("%s was answered %s, and after the crash %s", request.CallerReference, first[i], result.TransactionID)
		}
		seen[result.TransactionID] = true
		becomes(t, client, result.TransactionID, holdfast.StatusReserved)
	}
	booksAreRight(t, dir)
}

func TestServerAnswersWhatItShould(t *testing.T) {
	demo := startDemo(t, t.TempDir())
	for _, row := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "healthz", http.StatusOK},
		{http.MethodGet, "account", http.StatusOK},
		{http.MethodGet, "account/", http.StatusOK},
		{http.MethodGet, "account/nowhere", http.StatusNotFound},
		{http.MethodGet, "certs/010101/PKICert.pem", http.StatusNotFound},
		{http.MethodPost, "certs/010101/PKICert.pem", http.StatusMethodNotAllowed},
	} {
		request, err := http.NewRequestWithContext(t.Context(), row.method, demo.answer.Endpoint+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != row.want {
			t.Errorf("%s /%s answers %d, want %d", row.method, row.path, response.StatusCode, row.want)
		}
	}
}

// Old clients and proxies speak HTTP in ways that a mux or a framework may not
// expect.
func TestServerSpeaksOldHTTP(t *testing.T) {
	demo := startDemo(t, t.TempDir())
	host := strings.Trim(strings.TrimPrefix(demo.answer.Endpoint, "http://"), "/")
	for _, row := range []struct{ name, request, want string }{
		{"HTTP/1.0 without Host", "GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK"},
		{"absolute form", "GET http://" + host + "/healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "HTTP/1.1 200 OK"},
		{
			"absolute form without a path", "GET http://" + host + "?Action=None HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
			"HTTP/1.1 403",
		},
		{
			"a path that a mux would tidy", "POST //?Action=None HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 404",
		},
		{
			"Expect", "POST / HTTP/1.1\r\nHost: " + host +
				"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
			"HTTP/1.1 100 Continue",
		},
	} {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := connection.Write([]byte(row.request)); err != nil {
			t.Fatal(err)
		}
		got, err := bufio.NewReader(connection).ReadString('\n')
		connection.Close()
		if err != nil || !strings.HasPrefix(got, row.want) {
			t.Errorf("%s is answered %q (%v), want %s", row.name, got, err, row.want)
		}
	}
}

func TestGuideSaysWhatToDo(t *testing.T) {
	temporary := t.TempDir()
	cmd := exec.Command("holdfast", "demo")
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var guide strings.Builder
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		guide.WriteString(scanner.Text() + "\n")
		if strings.Contains(scanner.Text(), " demo --data ") { // the last line
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the demo ends with %v after\n%s", err, guide.String())
	}
	made, err := filepath.Glob(filepath.Join(temporary, "holdfast-demo-*"))
	if err != nil || len(made) != 1 {
		t.Fatalf("the demo made %q (%v)", made, err)
	}
	kept, found, err := readDemo(made[0])
	if err != nil || !found {
		t.Fatalf("%s remembers nothing: %v", made[0], err)
	}
	for _, want := range []string{
		"http://" + kept.ShopListen + "/\n", "http://" + kept.ShopListen + "/bench\n", kept.BuyerEmail, kept.BuyerPassword,
		" clock advance 7d --data " + made[0] + "\n", " books check --data " + made[0] + "\n", " demo --data " + made[0] +
			"\n",
		kept.AccessKeyID, kept.SecretAccessKey, kept.OwnerEmail, kept.OwnerPassword, "http://localhost:", `press "Pay now"`,
	} {
		if !strings.Contains(guide.String(), want) {
			t.Errorf("the guide does not say %q:\n%s", want, guide.String())
		}
	}
}
