// Package browser walks through the pages in a real browser: the shop and the
// Co-Branded pages of the real binary, and every pipeline on a test server with
// a clock that the test moves.
package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// BrowserEnv names the browser to drive; make test sets it. Without it the
// tests are skipped.
const BrowserEnv = "HOLDFAST_TEST_BROWSER"

// ScreenshotsEnv names a folder for a picture of every page; make screenshots
// sets it. Without it no pictures are taken.
const ScreenshotsEnv = "HOLDFAST_TEST_SCREENSHOTS"

var (
	screenshots = os.Getenv(ScreenshotsEnv)

	binary string          // holdfast, built once
	shared context.Context // the browser in which every test opens windows
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path := os.Getenv(BrowserEnv)
	if path == "" {
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
	stop, err := startBrowser(path, filepath.Join(dir, "profile"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "starting the browser: %v\n", err)
		return 1
	}
	defer stop()
	code := m.Run()
	if missed := uninspected(); code == 0 && everyTest() && len(missed) > 0 {
		fmt.Fprintf(os.Stderr, "no test inspects the pages %q\n", missed)
		return 1
	}
	return code
}

// everyTest reports whether all tests ran.
func everyTest() bool {
	return !slices.ContainsFunc([]string{"test.run", "test.skip", "test.list"}, func(name string) bool {
		return flag.Lookup(name).Value.String() != ""
	})
}

// startBrowser starts the shared browser. It accepts any certificate, because
// the shops' logos come from a test server.
func startBrowser(path, profile string) (stop func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute))
	allocated, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx); err != nil { // the first Run starts it, and lives as long as its context
		release()
		return nil, err
	}
	shared = ctx
	return func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(os.Stderr, "closing the browser: %v\n", err)
		}
		cancel()
		release()
	}, nil
}

// openBrowser opens a window without cookies or history, and closes it when the
// test ends. The test fails if its pages do something that [watch] forbids.
func openBrowser(t *testing.T) *page {
	t.Helper()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	return openPage(shared, t, chromedp.WithNewBrowserContext())
}

// tab opens another tab of the window, with the same cookies.
func (p *page) tab() *page {
	p.t.Helper()
	return openPage(p.ctx, p.t)
}

func openPage(parent context.Context, t *testing.T, options ...chromedp.ContextOption) *page {
	t.Helper()
	p := &page{t: t, watch: &watch{}}
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(p.watch.see))...)
	p.ctx = ctx
	t.Cleanup(func() {
		p.watch.report(t)
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("closing a page: %v", err)
		}
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a page: %v", err)
	}
	p.size(desktop)
	p.focused()
	return p
}
