package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// apiFlags say which server a command asks, and as which caller: a demo's
// server, or any by its address and keys. --data outranks the address, which
// may come from the environment.
type apiFlags struct {
	Data   string `help:"Ask the running demo that keeps its data in this directory." type:"path" placeholder:"DIR"`
	Server string `help:"Ask the server with this Query API address." env:"HOLDFAST_SERVER" placeholder:"URL"`
	keyFlags
	JSON bool `name:"json" help:"Print one line of JSON for each answer."`
}

// keyFlags say as which caller a server is asked.
type keyFlags struct {
	AccessKeyID string `name:"access-key-id" help:"Sign requests with this access key. Goes with --server." env:"HOLDFAST_ACCESS_KEY_ID" placeholder:"ID"`
	SecretFile  string `help:"Read the secret key from the first line of this file. Goes with --server." env:"HOLDFAST_SECRET_FILE" placeholder:"FILE"`
}

func (f apiFlags) client(ctx context.Context, w world) (*holdfast.Client, error) {
	switch {
	case f.Data != "":
		return demoClient(ctx, f.Data, w)
	case f.Server == "":
		return nil, errors.New("which server? Give --data DIR (of a demo that is running) or --server URL")
	}
	return f.keyFlags.client(f.Server, w)
}

func (f keyFlags) client(server string, w world) (*holdfast.Client, error) {
	if f.AccessKeyID == "" || f.SecretFile == "" {
		return nil, errors.New("--server needs --access-key-id and --secret-file: a caller sees and changes only what is " +
			"its own")
	}
	secret, err := readKey(f.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	return &holdfast.Client{
		Endpoint: server, AccessKeyID: f.AccessKeyID, SecretKey: holdfast.NewSecretKey(secret), Now: w.Now,
	}, nil
}

const dialTimeout = 5 * time.Second

// demoClient asks a demo as the caller that it made for itself.
func demoClient(ctx context.Context, dir string, w world) (*holdfast.Client, error) {
	kept, found, err := readDemo(dir)
	if err != nil {
		return nil, err
	}
	if !found || kept.CallerID == "" {
		return nil, fmt.Errorf("there is no demo in %s; make one with holdfast demo --data %s", dir, quote(dir))
	}
	// This checks at once whether the demo runs. The client would retry for a
	// while, and then report a request as in doubt that was never sent.
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", kept.Listen)
	if err != nil {
		return nil, fmt.Errorf("the demo is not running (%w); start it with holdfast demo --data %s", err, quote(dir))
	}
	connection.Close()
	return &holdfast.Client{
		Endpoint: "http://" + kept.Listen + "/", AccessKeyID: kept.AccessKeyID,
		SecretKey: holdfast.NewSecretKey(kept.SecretAccessKey), Now: w.Now,
	}, nil
}

// An answer is printed as JSON, or as text from its facts.
type answer interface{ facts() []fact }

func (f apiFlags) print(w world, a answer) error {
	if f.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

// doubtful adds to an error in doubt what to do about the request. Other errors
// are not changed.
func doubtful(err error, advice string) error {
	doubt, ok := errors.AsType[*holdfast.InDoubtError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%w\nThe server may have carried it out or not. %s", doubt, advice)
}
