package processor

import (
	"context"
	"maps"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// chainMax is how many audit entries get their places in one commit, and chainCommits
// how many such commits are one round.
const chainMax, chainCommits = 256, 16

// auditLogEvery is how often the end of the audit log's chain is written into the
// program's log, from where it can be kept elsewhere.
const auditLogEvery = 24 * time.Hour

// ChainAudit gives audit entries their places in the chain, a bounded number, and
// reports how many. Any server may do it, at any time.
func (p *Processor) ChainAudit(ctx context.Context) (chained int, err error) {
	var waiting bool
	var head store.AuditHead
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		if waiting, err = tx.HasUnchained(); err != nil || waiting {
			return err
		}
		head, err = tx.AuditHead()
		return err
	})
	if err != nil {
		return 0, err
	}
	if !waiting {
		p.logAuditHead(head)
		return 0, nil
	}
	for n := chainMax; n == chainMax && chained < chainMax*chainCommits; chained += n {
		err = p.db.Background(ctx, func(tx *store.Tx) error {
			n, err = tx.ChainAudit(chainMax)
			return err
		})
		if err != nil {
			return chained, err
		}
	}
	return chained, nil
}

// logAuditHead writes the end of the chain into the log, once a day.
func (p *Processor) logAuditHead(head store.AuditHead) {
	now := p.now()
	if head.Last == 0 || now.UnixMicro() < p.auditHeadLogged.Load()+auditLogEvery.Microseconds() {
		return
	}
	p.auditHeadLogged.Store(now.UnixMicro())
	p.Log.Info("the end of the audit log", "entries", head.Last, "hash", head.Hash)
}

// NoteAuditExport writes into the audit log that a file with its entries was made: it
// has personal data.
func (p *Processor) NoteAuditExport(ctx context.Context, q store.AuditQuery) error {
	chosen := party.Facts{
		"actor": q.Actor, "object": q.Object, "action": string(q.Action), "since": timeFact(q.Since),
		"until": timeFact(q.Until),
	}
	maps.DeleteFunc(chosen, func(_, value string) bool { return value == "" })
	return p.db.Update(ctx, func(tx *store.Tx) error {
		return tx.Log(party.AuditEntry{Action: "audit.export", Caller: q.Caller, After: chosen}, p.now())
	})
}
