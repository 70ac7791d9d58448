// Command ceiling measures a server that verifies and answers signed Reserves
// and stores nothing. A real server can be at most as fast. The program runs
// such a server in a process of its own, sends it the load of holdfast bench
// and prints the result in the form of holdfast bench --json.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-pay/holdfast/internal/bench"
)

func main() {
	b := &bench.Bench{Mix: bench.MixReserve, Spread: bench.Uniform, Seed: 1, Pretend: true, Now: now}
	flag.IntVar(&b.Merchants, "merchants", 100, "use this many merchants")
	flag.IntVar(&b.Connections, "connections", 256, "open this many connections")
	flag.DurationVar(&b.Duration, "duration", 10*time.Second, "measure for this long")
	flag.DurationVar(&b.Warmup, "warmup", 2*time.Second, "warm up for this long before")
	serving := flag.Bool("serve", false, "be the server, until standard input ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *serving {
		err = serve(ctx)
	} else {
		err = measure(ctx, b, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ceiling:", err)
		os.Exit(1)
	}
}

func now() time.Time { return time.Now() } //nolint:forbidigo // a measurement takes real time

const headerTimeout = 10 * time.Second

// serve prints the server's address and serves until standard input ends.
func serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &handler{now: now}, ReadHeaderTimeout: headerTimeout}
	if _, err := fmt.Fprintf(os.Stdout, "http://%s/\n", listener.Addr()); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // its end counts, not its reason
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// measure starts the server, drives it and prints the result.
func measure(ctx context.Context, b *bench.Bench, to io.Writer) (err error) {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	server := exec.CommandContext(ctx, program, "-serve") //nolint:gosec // this program
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		return err
	}
	output, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer func() { err = errors.Join(err, input.Close(), server.Wait()) }()
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	if b.Endpoint, err = url.Parse(strings.TrimSpace(address)); err != nil {
		return err
	}
	b.Process = func() (bench.Usage, error) { return bench.ProcessUsage(server.Process.Pid) }
	defer b.Close()
	if err := b.Prepare(ctx); err != nil {
		return err
	}
	result, err := b.Measure(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(result)
}
