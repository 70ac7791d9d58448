package main

import (
	"context"
	"os"
	"os/user"
	"strconv"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// commandActor is the person who runs a command, for the audit log: the user and the name of
// the machine. With sudo, the name is that of the user who called it.
func commandActor() party.Actor {
	id := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		id = u.Username
	}
	machine, err := os.Hostname()
	if err != nil {
		machine = "unknown"
	}
	return party.Actor{
		Kind: party.ActorCommand, ID: id, Name: os.Getenv("SUDO_USER"), From: machine,
	}
}

// logDone writes the audit entry of a command that changes a store without the
// processor.
func logDone(
	ctx context.Context, db *store.DB, w world, action party.AuditAction, object string, after party.Facts,
) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		return tx.Log(party.AuditEntry{Action: action, Object: object, After: after}, w.Now())
	})
}
