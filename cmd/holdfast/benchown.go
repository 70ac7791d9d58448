package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/bench"
)

// An ownServer is a bench's own server. It can be started several times.
type ownServer struct {
	*benchServer
	world  world
	args   []string
	start  *bench.Start
	killed *bench.Killed
}

func (v benchVerb) startOwn(ctx context.Context, w world, address string) (*ownServer, error) {
	deliver := "--no-deliver" // nothing would receive them
	if v.Deliver {
		deliver = "--ipn-allow-private"
	}
	own := &ownServer{
		world: w, args: []string{
			"--store", address, deliver, "--inbox", fmt.Sprintf("--group-commit=%v", v.GroupCommit),
			fmt.Sprintf("--accept-data-loss=%v", v.AcceptLoss),
			"--no-log-actions", // this process would have to read them
		},
	}
	if err := own.begin(ctx, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	idle, err := own.process()
	if err != nil {
		return nil, errors.Join(err, own.end())
	}
	own.start = &bench.Start{Seconds: own.Started.Seconds(), IdleMB: idle.NowMB}
	return own, nil
}

func (o *ownServer) begin(ctx context.Context, listen string) error {
	begun, err := startBenchServer(ctx, o.world, append([]string{"serve", "--listen", listen}, o.args...)...)
	if err != nil {
		return err // the one before, which may have ended, stays
	}
	o.benchServer = begun
	return nil
}

func (o *ownServer) process() (bench.Usage, error) {
	return bench.ProcessUsage(o.command.Process.Pid)
}

// killAndStart kills the server after a while and starts it at the same
// address.
func (o *ownServer) killAndStart(ctx context.Context, after time.Duration) error {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-timer.C:
	}
	if err := o.kill(); err != nil {
		return fmt.Errorf("killing the server: %w", err)
	}
	// The measurement may be over before the server is back.
	if err := o.begin(context.WithoutCancel(ctx), o.Endpoint.Host); err != nil {
		return fmt.Errorf("starting the server again: %w", err)
	}
	o.killed = &bench.Killed{AfterSeconds: after.Seconds(), BackSeconds: o.Started.Seconds()}
	return nil
}
