package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// beatEvery is how often a server tells the store that it runs, and reads whether
// the store is paused.
const beatEvery = 10 * time.Second

// beatTimeout bounds one beat, so that a database that hangs does not delay the
// next.
const beatTimeout = 10 * time.Second

// firstBeat adds this server to the servers of the store.
func (s *server) firstBeat(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("reading the name of this machine: %w", err)
	}
	s.row = store.Server{
		ID: processor.RandomIDs{Now: s.Now}.Other("server-"), Version: programVersion().Version, Host: host,
		Started: s.started,
	}
	if s.Mail != nil && s.Mail.On() {
		s.row.Mails = s.PublicURL.String()
	}
	if err := s.tell(ctx, s.Store.FirstBeat); err != nil {
		return err
	}
	if p, paused := s.Store.Paused(); paused {
		s.Log.Warn("the store is paused: no money moves and nothing is delivered until an operator runs holdfast resume",
			"why", whyPaused(p.Reason), "state of", p.Taken.UTC(), "since", p.Since.UTC())
	}
	return nil
}

func (s *server) beat(ctx context.Context) error {
	s.noteHealth(ctx)
	return s.tell(ctx, s.Store.Beat)
}

func (s *server) tell(ctx context.Context, beat func(context.Context, store.Server) error) error {
	s.row.Seen = s.Now()
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	return beat(ctx, s.row)
}

// keepBeating beats until ctx ends, and then removes the server from the store. A
// server whose program does not know the schema of the store any more ends: it
// would write rows that a newer program does not expect.
func (s *server) keepBeating(ctx context.Context) {
	_, paused := s.Store.Paused()
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatTimeout)
			defer cancel()
			if err := s.Store.RemoveServer(ending, s.row.ID); err != nil && !errors.Is(err, store.ErrClosed) {
				s.Log.Warn("this server is still among the servers of the store", "error", err)
			}
			return
		case <-ticks.C:
		}
		if !s.beatOrEnd(ctx) {
			return
		}
		if _, now := s.Store.Paused(); now != paused {
			paused = now
			s.Log.Warn("the store was paused or resumed", "paused", paused)
		}
	}
}

// beatOrEnd beats, and ends the server if it does not know the schema of the store.
func (s *server) beatOrEnd(ctx context.Context) (goesOn bool) {
	err := s.beat(ctx)
	switch {
	case errors.Is(err, store.ErrNewSchema), errors.Is(err, store.ErrOldSchema), errors.Is(err, store.ErrNoSchema):
		s.Ended.because(fmt.Errorf("this server cannot go on: %w", err))
		return false
	case err != nil && ctx.Err() == nil:
		s.Log.Warn("the store was not told that this server runs", "error", err)
	}
	return true
}

// paused reports whether the store is paused.
func (s *server) paused() bool {
	_, paused := s.Store.Paused()
	return paused
}

// whyPaused says in words why a store is paused.
func whyPaused(why store.PauseReason) string {
	switch why {
	case store.PausedBackup:
		return "it is a backup"
	case store.PausedCopy:
		return "it was copied from another database"
	}
	return string(why)
}
