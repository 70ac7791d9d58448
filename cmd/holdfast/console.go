package main

import (
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// console serves the pages of operators and of the people of callers.
func (s *server) console(sessions *account.Sessions) http.Handler {
	return (&console.Server{
		Processor: s.Processor, Store: s.Store.Reader, Sessions: sessions, System: s.system,
		Now: s.Now, Log: s.Log, Compose: composeNotice, TestNetwork: s.testNetwork,
	}).Handler()
}

// composeNotice returns what a notification says.
func composeNotice(t store.Telling) holdfast.Params { return ipn.Compose(ipn.MessageOf(t)) }

// system is what the console's system page says of this server.
func (s *server) system() console.System {
	return console.System{
		Version: programVersion().Version, Started: s.started, Stuck: s.runner.Stuck(), Live: s.Processor.Live,
	}
}
