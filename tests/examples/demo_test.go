package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// A demo is a running "holdfast demo", with a proxy in front that loses
// answers.
type demo struct {
	answer
	folder string // of the binaries
	file   string // the demo's output, with the way's address as the endpoint
	other  answer // another caller of the same server
	way    *way
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir,
		"../../cmd/holdfast", "../../examples/buyer", "../../examples/go")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	d := &demo{folder: dir, file: filepath.Join(dir, "demo.json"), way: &way{asked: map[string]string{}}}
	server := httptest.NewServer(d.way)
	t.Cleanup(server.Close)
	d.way.endpoint = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/"
	// The certificates are the server's, at the proxy's address.
	line := d.run(t, "demo", "--json", "--data", filepath.Join(dir, "data"), "--certificate-prefix", d.way.endpoint)
	d.answer = readAnswer(t, line)
	d.way.open(t, d.Endpoint)
	var printed map[string]string
	if err := json.Unmarshal(line, &printed); err != nil {
		t.Fatal(err)
	}
	printed["endpoint"] = d.way.endpoint
	text, err := json.Marshal(printed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	created := d.holdfast(t, "caller", "create", "--json", "--owner", d.RecipientEmail, "--name", "Another shop")
	d.other = readAnswer(t, created)
	d.other.Endpoint, d.other.CoBranded = d.Endpoint, d.CoBranded
	return d
}

// run starts the demo and returns its line of output. The demo stops when the
// test ends.
func (d *demo) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(d.folder, "holdfast"), args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
		if err != nil || t.Failed() {
			t.Errorf("the demo ended with %v, and this log:\n%s", err, &log)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the demo did not start: %v", err)
	}
	return line
}

// holdfast runs another command on the demo's data.
func (d *demo) holdfast(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(d.folder, "holdfast"), append(args, "--data", d.DataDir)...)
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// buy lets the buyer go through the pages, and returns the output of
// examples/buyer.
func (d *demo) buy(t *testing.T, link string) (string, error) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), filepath.Join(d.folder, "buyer"), d.file, link).CombinedOutput()
	return string(output), err
}

func (d *demo) play(t *testing.T, link string) {
	t.Helper()
	if said, err := d.buy(t, link); err != nil {
		t.Fatalf("the buyer ends with %v:\n%s", err, said)
	}
}

// A way is a proxy for the demo. It loses the first answer to each request that
// moves money, and has two certificates of its own.
type way struct {
	endpoint string
	proxy    *httputil.ReverseProxy
	redirect atomic.Pointer[string] // a thief's server

	mu    sync.Mutex
	asked map[string]string // the transaction of the answer that was lost, by request
}

// Certificates of the way, and a query with which no program may fetch one.
const (
	redirectedPath = "/certs/redirected/PKICert.pem"
	brokenPath     = "/certs/broken/PKICert.pem"
	uncached       = "uncached=1"
)

func (w *way) open(t *testing.T, endpoint string) {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	w.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			if strings.Contains(r.In.URL.RawQuery, uncached) {
				t.Errorf("the program fetches %s, with the query that the message names", r.In.URL)
			}
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: func(r *http.Response) error { return w.lose(t, r) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // closes the connection
		},
	}
}

func (w *way) ServeHTTP(writer http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case redirectedPath:
		http.Redirect(writer, r, *w.redirect.Load()+"/certs/1/PKICert.pem", http.StatusFound)
		return
	case brokenPath:
		http.Error(writer, "no certificate", http.StatusOK)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if params, err := holdfast.ParseParams(string(body)); err == nil {
		switch action := params.Get("Action"); action {
		case "Reserve", "Settle", "Refund":
			r.Header.Set(requestHeader, action+" "+params.Get("CallerReference")+params.Get("ReserveTransactionId"))
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.proxy.ServeHTTP(writer, r)
}

// requestHeader passes a request's name through the proxy.
const requestHeader = "X-Test-Request"

var (
	errLost       = errors.New("the answer is lost")
	transactionID = regexp.MustCompile("<TransactionId>([^<]+)<")
)

func (w *way) lose(t *testing.T, r *http.Response) error {
	name := r.Request.Header.Get(requestHeader)
	if name == "" || r.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	id := transactionID.FindStringSubmatch(string(body))
	if id == nil {
		t.Errorf("the answer to %s is %s", name, body)
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first, again := w.asked[name]
	if !again {
		w.asked[name] = id[1]
		return replace(r, name)
	}
	if first != id[1] {
		t.Errorf("%s was carried out as %s and again as %s", name, first, id[1])
	}
	return nil
}

// replace loses the answer to a Reserve. The other answers become those of a
// proxy in between, which say nothing about the request. The Go SDK reports such
// an answer and does not repeat the request, so it gets no answer.
func replace(r *http.Response, name string) error {
	action, _, _ := strings.Cut(name, " ")
	if action == "Reserve" || strings.HasPrefix(r.Request.UserAgent(), "Go-http-client") {
		return errLost
	}
	if action == "Refund" {
		r.StatusCode = http.StatusForbidden
	}
	const page = "<html><body>Please wait.</body></html>"
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(page)), int64(len(page))
	r.Header.Set("Content-Length", strconv.Itoa(len(page)))
	return nil
}

// lost reports whether an answer to the request was lost.
func (w *way) lost(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, lost := w.asked[name]
	return lost
}
