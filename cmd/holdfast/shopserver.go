package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/shop"
)

// A shopServer is the reference shop on one listener, with its jobs. Set the
// fields, start it, stop it.
type shopServer struct {
	Client       client.Client // asks as the shop
	PublicURL    *url.URL      // how browsers reach the listener
	PaymentPages string        // if not at the client's address; see shop.Config
	LogoURL      string        // of the logo on the payment pages; see shop.Config
	Database     string
	Now          func() time.Time
	Log          *slog.Logger
	Ended        ending

	shop    *shop.Shop
	http    *http.Server
	running sync.WaitGroup
	endJobs context.CancelFunc
}

// start begins to serve the shop on an open listener, and returns.
func (s *shopServer) start(ctx context.Context, listener net.Listener) error {
	// The file contains buyers' addresses, so a new one is private. An existing
	// file keeps its mode.
	if exists, err := checkPrivate(s.Database, func(string, os.FileMode) error { return nil }); err != nil {
		return err
	} else if !exists {
		if err := makePrivate(s.Database); err != nil {
			return err
		}
	}
	opened, err := shop.Open(ctx, shop.Config{
		Client: &s.Client, PublicURL: strings.TrimSuffix(s.PublicURL.String(), "/"), PaymentPages: s.PaymentPages,
		LogoURL: s.LogoURL, Database: s.Database, Now: s.Now, Log: s.Log,
	})
	if err != nil {
		return err
	}
	s.shop = opened
	s.http = httpServer(opened.Handler(), s.Log)
	background, endJobs := context.WithCancel(context.Background())
	s.endJobs = endJobs
	s.running.Go(func() {
		if err := opened.Run(background); err != nil && background.Err() == nil {
			s.Ended.because(fmt.Errorf("the shop's jobs ended: %w", err))
		}
	})
	s.running.Go(func() { serve(s.http, listener, s.Ended) })
	return nil
}

// stop stops the door, then the jobs.
func (s *shopServer) stop() error {
	if s.shop == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.Log.Warn("requests were cut short", "error", err)
	}
	s.endJobs()
	s.running.Wait()
	return s.shop.Close()
}
