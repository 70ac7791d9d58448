package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A benchServer is a server in a process of its own, so that its CPU and memory
// can be measured apart from the bench's.
type benchServer struct {
	command  *exec.Cmd
	Endpoint *url.URL
	Started  time.Duration // from its start to its first answer
	ended    chan struct{} // closed once the process is gone
	err      error         // of the process, once ended
}

const (
	startPatience = time.Minute // a large store may have a log to go through
	endPatience   = 30 * time.Second
)

// startBenchServer starts this program with a command that serves, and waits
// for its first answer.
func startBenchServer(ctx context.Context, w world, args ...string) (*benchServer, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	command := exec.Command(program, append([]string{"--log-json"}, args...)...) //nolint:gosec,noctx // end ends it
	s := &benchServer{command: command, ended: make(chan struct{})}
	s.command.Env = withoutSettings(os.Environ())
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is ours to pass on
	stderr, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	began := w.Now()
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting holdfast %s: %w", args[0], err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(s.ended)
		readLog(stderr, w.Err, listening)
		s.err = s.command.Wait()
	}()
	select {
	case endpoint := <-listening:
		if s.Endpoint, err = url.Parse(endpoint); err == nil {
			err = firstAnswer(ctx, endpoint)
		}
		s.Started = w.Now().Sub(began)
	case <-s.ended:
		return nil, fmt.Errorf("holdfast %s ended before it served: %w", args[0], s.err)
	case <-time.After(startPatience):
		err = fmt.Errorf("holdfast %s does not serve after %v", args[0], startPatience)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// readLog finds the server's address in its log, and passes on its warnings.
func readLog(from io.Reader, to io.Writer, listening chan<- string) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		var line struct{ Msg, Level, Endpoint string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			listening <- line.Endpoint
		} else if line.Level != "INFO" {
			fmt.Fprintln(to, lines.Text())
		}
	}
}

// firstAnswer waits for any answer; a refusal is enough.
func firstAnswer(ctx context.Context, endpoint string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the server for its first answer: %w", err)
	}
	return answer.Body.Close()
}

// withoutSettings removes settings from the environment, so that the server has
// the bench's.
func withoutSettings(environment []string) (kept []string) {
	for _, setting := range environment {
		if !strings.HasPrefix(setting, "HOLDFAST_") {
			kept = append(kept, setting)
		}
	}
	return kept
}

// kill ends the process as a power cut would.
func (s *benchServer) kill() error {
	if err := s.command.Process.Kill(); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// end stops the server and waits for it.
func (s *benchServer) end() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return s.err
	case <-time.After(endPatience):
		return errors.Join(errors.New("the server does not stop"), s.command.Process.Kill())
	}
}
