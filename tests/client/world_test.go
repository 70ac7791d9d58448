package client_test

import (
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A world is a server of the JSON API with a shop and a client for it.
type world struct {
	*holdfasttest.World
	client *client.Client
	server *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: holdfasttest.NewWorld(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))}
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	door := &api.Server{
		Processor: w.Processor, Store: w.DB.Reader, Keys: api.NewKeys(w.DB.CallerByJSONKey, w.Clock.Now), Public: public,
		Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	w.server = httptest.NewServer(door.Handler())
	t.Cleanup(w.server.Close)
	_, text := w.JSONKey(w.Shop, processor.NewKey{})
	w.client = &client.Client{Address: w.server.URL, Key: holdfast.NewSecretKey(text), HTTP: w.server.Client()}
	return w
}
