package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// startVerb starts a command that serves. It returns the address from its log,
// and a function that ends it.
func startVerb(t *testing.T, args ...string) (address string, end func() error) {
	t.Helper()
	cmd := exec.Command("holdfast", append([]string{"--log-json"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	heard, ended := make(chan string, 1), make(chan error, 1)
	var log strings.Builder // read after ended
	go func() {
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			log.WriteString(scanner.Text() + "\n")
			var line struct{ Listen string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Listen != "" {
				heard <- line.Listen
			}
		}
		ended <- cmd.Wait()
	}()
	done := false
	end = func() error {
		if done {
			return nil
		}
		done = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.Join(context.DeadlineExceeded, cmd.Process.Kill(), <-ended)
		}
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("holdfast %s ended with %v", args[0], err)
		}
		if t.Failed() {
			t.Logf("the log of %s:\n%s", args[0], log.String())
		}
	})
	select {
	case address = <-heard:
	case err := <-ended:
		done = true
		t.Fatalf("holdfast %s ended: %v", strings.Join(args, " "), err)
	case <-time.After(patience):
		t.Fatalf("holdfast %s does not start", strings.Join(args, " "))
	}
	return address, end
}

// A renaming is a proxy that forwards requests under the listener's own name.
type renaming string

func (to renaming) RoundTrip(r *http.Request) (*http.Response, error) {
	renamed := r.Clone(r.Context())
	renamed.URL.Host, renamed.Host = string(to), string(to)
	return http.DefaultTransport.RoundTrip(renamed)
}

// onStore runs a command that must succeed on a store.
func onStore(t *testing.T, address string, args ...string) string {
	t.Helper()
	out, code := holdfastCommand(t, append(args, "--store", address)...)
	if code != 0 {
		t.Fatalf("holdfast %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

const (
	callerEmail    = "kiln@example.com"
	callerPassword = "long enough to keep"
)

// newCaller makes a party and its caller on a store that may be empty.
func newCaller(t *testing.T, address string) (caller callerAnswer) {
	t.Helper()
	password := writeFile(t, "password", []byte(callerPassword+"\n"))
	onStore(t, address, "party", "create", "--name", "Kiln", "--email", callerEmail, "--password-file", password)
	made := onStore(t, address, "caller", "create", "--owner", callerEmail, "--name", "Kiln", "--json")
	if err := json.Unmarshal([]byte(made), &caller); err != nil {
		t.Fatal(err)
	}
	return caller
}

func TestServerAndShopOnTheirOwn(t *testing.T) {
	for name, empty := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			address, dir := empty(t), t.TempDir()
			caller := newCaller(t, address)
			onStore(t, address, "clock", "advance", "1h")

			listen, endServer := startVerb(t, "serve", "--listen", "127.0.0.1:0", "--store", address, "--public-url",
				"http://pay.example.com")
			client := &holdfast.Client{
				Endpoint: "http://pay.example.com/", AccessKeyID: caller.AccessKeyID,
				SecretKey: holdfast.NewSecretKey(caller.SecretAccessKey),
				HTTP:      &http.Client{Transport: renaming(listen)},
			}
			// The request is signed for the public name and arrives under another.
			if clock, err := client.Clock(t.Context()); err != nil || clock.Offset != time.Hour {
				t.Errorf("the caller's clock through a proxy: %v (%v), want an hour ahead", clock.Offset, err)
			}
			client.Endpoint = "http://elsewhere.example.com/"
			if _, err := client.Clock(t.Context()); err == nil {
				t.Error("a signature for a host that is not the server's was accepted")
			}

			var key keyAnswer
			made := onStore(t, address, "key", "add", "--name", "shop", "--scopes", "read,hold,settle,refund", "--json")
			if err := json.Unmarshal([]byte(made), &key); err != nil {
				t.Fatal(err)
			}
			shopAt, endShop := startVerb(
				t, "shop", "--listen", "127.0.0.1:0", "--server", "http://"+listen+"/",
				"--key-file", writeFile(t, "key", []byte(key.Key)), "--database", filepath.Join(dir, "shop.db"),
			)
			if page := get(t, "http://"+shopAt+"/"); !strings.Contains(page, "</html>") {
				t.Errorf("the shop shows %q", page)
			}
			if err := endShop(); err != nil {
				t.Errorf("the shop ends with %v", err)
			}
			if err := endServer(); err != nil {
				t.Errorf("the server ends with %v", err)
			}
			onStore(t, address, "books", "check")
		})
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s (%v)", address, response.Status, err)
	}
	return string(page)
}

// A remembered port that is taken does not prevent a start; a port given by a
// flag does.
func TestTakenPorts(t *testing.T) {
	dir := t.TempDir()
	first := startDemo(t, dir)
	if _, err := first.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	host := strings.Trim(strings.TrimPrefix(first.answer.Endpoint, "http://"), "/")
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if out, code := holdfastCommand(t, "demo", "--data", dir, "--listen", host); code != exitFailed ||
		!strings.Contains(out, "--listen "+host) {
		t.Errorf("a demo on a port that is taken: exit code %d\n%s", code, out)
	}
	second := startDemo(t, dir)
	if second.answer.Endpoint == first.answer.Endpoint || second.answer.Shop != first.answer.Shop {
		t.Errorf("the second start is at %s and %s, the first was at %s and %s",
			second.answer.Endpoint, second.answer.Shop, first.answer.Endpoint, first.answer.Shop)
	}
	if second.answer.AccessKeyID != first.answer.AccessKeyID {
		t.Error("the second start has another access key")
	}
}

// A server that cannot listen creates no files.
func TestBusyPortMakesNoStore(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "holdfast.db")
	for _, flag := range []string{"--listen", "--metrics"} {
		var said bytes.Buffer
		args := []string{"serve", "--listen=127.0.0.1:0", "--store", path, flag, taken.Addr().String()}
		code := run(t.Context(), args, world{Out: &said, Err: &said, Now: time.Now})
		if code != exitFailed || !strings.Contains(said.String(), flag+" "+taken.Addr().String()) {
			t.Errorf("a busy %s: exit code %d, %s", flag, code, &said)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a busy %s leaves a store: %v", flag, err)
		}
	}
}
