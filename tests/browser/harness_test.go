// Package browser walks the whole way in a real browser: the shop, the
// Co-Branded pages, the packing bench, against the real binary.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// BrowserEnv names the browser to drive; make test sets it. Where there is
// none the tests are skipped.
const BrowserEnv = "HOLDFAST_TEST_BROWSER"

// screenshots are written here, which git ignores; look at them.
const screenshots = "../../screenshots"

var binary string // holdfast, built once

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv(BrowserEnv) == "" {
		return m.Run() // every test skips
	}
	dir, err := os.MkdirTemp("", "holdfast-browser-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/holdfast")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building holdfast: %v\n%s", err, output)
		return 1
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// A demo is a running `holdfast demo`.
type demo struct {
	Endpoint      string `json:"endpoint"`
	Shop          string `json:"shop"`
	BuyerEmail    string `json:"buyerEmail"`
	BuyerPassword string `json:"buyerPassword"`
	DataDir       string `json:"dataDir"`
}

// startDemo starts a demo of its own on free ports, stopped when the test ends.
func startDemo(t *testing.T) demo {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) // t's own ends before the clean-up stops the demo
	cmd := exec.CommandContext(ctx, binary, "demo", "--json", "--data", filepath.Join(t.TempDir(), "data"))
	log, err := os.CreateTemp(t.TempDir(), "log-*")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stopping the demo: %v", err)
		}
		err := cmd.Wait()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			text, _ := os.ReadFile(log.Name())
			t.Errorf("the demo ended with %v\n%s", exit, text)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("the demo did not start: %v\n%s", err, text)
	}
	var d demo
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatalf("the demo said %q: %v", line, err)
	}
	return d
}

// holdfast runs a verb of the binary on the demo's data.
func (d demo) holdfast(t *testing.T, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), binary, append(args, "--data", d.DataDir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// A page is a browser's tab that a test walks through.
type page struct {
	t   *testing.T
	ctx context.Context
}

const stepTimeout = 30 * time.Second // of one step in the browser

// openBrowser starts a browser with nothing in its memory.
func openBrowser(t *testing.T) *page {
	t.Helper()
	path := os.Getenv(BrowserEnv)
	if path == "" {
		t.Skipf("%s names no browser: make test sets it", BrowserEnv)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
	})
	p := &page{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the first Run starts it, and lives as long as its context
		t.Fatalf("starting the browser: %v", err)
	}
	p.size(desktop)
	return p
}

type step = chromedp.Action[chromedp.Void]

func (p *page) do(doing string, steps ...step) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\nat %s\n%s", doing, err, p.address(), p.text())
	}
}

// get reads something off the page; for messages too, so it never fails the
// test by itself.
func get[T any](p *page, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	return chromedp.Run(ctx, a)
}

func (p *page) address() string {
	address, err := get(p, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return address
}

func (p *page) text() string {
	text, err := get(p, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (p *page) open(address string) {
	p.t.Helper()
	p.do("opening "+address, chromedp.Navigate(address))
}

// click presses something that leads to another page, and waits for it.
func (p *page) click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		p.t.Fatalf("clicking %s: %v\nat %s\n%s", selector, err, p.address(), p.text())
	}
}

func (p *page) fill(selector, value string) {
	p.t.Helper()
	p.do("filling "+selector, chromedp.Clear(chromedp.CSS(selector), chromedp.NodeVisible),
		chromedp.SendKeys(chromedp.CSS(selector), value))
}

// wants waits until the page shows a text.
func (p *page) wants(text string) {
	p.t.Helper()
	if got := p.text(); !strings.Contains(strings.ToLower(got), strings.ToLower(text)) {
		p.t.Fatalf("the page does not say %q\nat %s\n%s", text, p.address(), got)
	}
}

// until reloads the page until it shows a text: for what comes by itself, such
// as a notification.
func (p *page) until(text string) {
	p.t.Helper()
	patience, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	for patience.Err() == nil {
		if strings.Contains(strings.ToLower(p.text()), strings.ToLower(text)) {
			return
		}
		p.do("reloading", chromedp.Reload())
	}
	p.wants(text)
}

type viewport struct {
	name          string
	width, height int64
}

var (
	desktop = viewport{"desktop", 1180, 860}
	phone   = viewport{"phone", 390, 844}
)

func (p *page) size(v viewport) {
	p.t.Helper()
	p.do("resizing", chromedp.EmulateViewport(v.width, v.height))
}

// shoot writes the page's picture at both widths, in light and in dark.
func (p *page) shoot(name string) {
	p.t.Helper()
	for _, v := range []viewport{phone, desktop} {
		p.size(v)
		for _, scheme := range []string{"dark", "light"} {
			p.do("choosing "+scheme, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return chromedp.Void{}, err
			})
			picture, err := get(p, chromedp.FullScreenshot(100))
			if err != nil {
				p.t.Fatalf("taking a picture: %v", err)
			}
			file := filepath.Join(screenshots, fmt.Sprintf("%s-%s-%s.png", name, v.name, scheme))
			if err := os.WriteFile(file, picture, 0o644); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}
