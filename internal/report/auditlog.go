package report

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// AuditHeadings are the names of the columns of a file with entries of the audit log.
var AuditHeadings = []string{
	"position", "at", "actor_kind", "actor", "actor_name", "from", "action", "caller_id", "object", "before", "after", "hash",
}

// AuditCells is the row of an entry. Position and hash are empty until the entry is in
// the chain.
func AuditCells(e party.AuditEntry) []string {
	cells := []string{
		"", e.At.UTC().Format(time.RFC3339Nano), string(e.Actor.Kind), e.Actor.ID, e.Actor.Name, e.Actor.From,
		string(e.Action), string(e.Caller), e.Object, factsLine(e.Before), factsLine(e.After), "",
	}
	if e.Position > 0 {
		cells[0], cells[len(cells)-1] = strconv.FormatInt(e.Position, 10), e.Hash.String()
	}
	return cells
}

func factsLine(f party.Facts) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, name+"="+f[name])
	}
	return strings.Join(parts, "; ")
}

// auditPage is how many entries are read at a time.
const auditPage = 500

// WriteAuditLog writes the entries of a query as a CSV file, the newest first.
func WriteAuditLog(ctx context.Context, r store.Reader, q store.AuditQuery, to io.Writer) error {
	q.Limit = auditPage
	file := spreadsheet.NewWriter(to)
	err := file.Row(AuditHeadings...)
	for e, problem := range r.AuditLog(ctx, q) {
		if err = errors.Join(err, problem); err == nil {
			err = file.Row(AuditCells(e)...)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, file.Flush())
}
