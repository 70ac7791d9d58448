package store

import (
	"context"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// CompareSchemas refuses a schema's version that is not this program's.
func CompareSchemas(have, known int64) error { return compareSchemas(have, known) }

// WaitForQueue waits until n actions wait for a commit.
func WaitForQueue(db *DB, n int) {
	for {
		if waiting, _ := db.Waiting(); waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// AfterSealStep sets a function that is called after each step of sealing.
func (db *DB) AfterSealStep(call func()) { db.afterSealStep = call }

// VisitsErased is how many visits are erased in one commit.
const VisitsErased = visitsErased

// WriteFewChanges sets how many changes of accounts one commit writes.
func (db *DB) WriteFewChanges(most int) { db.changesMost = most }

// LeaveUnclean makes sealing fail after all secrets are sealed.
func (db *DB) LeaveUnclean() { db.dialect.clean = []string{`SELECT nothing`} }

// Queries are some that must use an index, keyed by SQLite's plan for each.
var Queries = map[string]string{
	"MULTI-INDEX OR, INDEX 1, SEARCH tokens USING INDEX tokens_by_sender (sender=? AND installed=?), INDEX 2, " +
		"SEARCH tokens USING INDEX tokens_by_recipient (recipient=? AND installed=?)": tokensInstalledAt,
	"SEARCH aggregate_instruments USING INDEX aggregate_instruments_by_sender (sender=?), SEARCH k EXISTS USING INDEX " +
		"tokens_by_aggregate (caller_id=? AND aggregate_id=?), USE TEMP B-TREE FOR ORDER BY": debtsSettledWith,
	"SEARCH tokens USING INDEX tokens_by_reference (caller_id=? AND reference=?)":       tokenByReference,
	"SEARCH transactions USING INDEX transactions_by_parent (caller_id=? AND parent=?)": childrenOf,
	"SCAN steps USING COVERING INDEX steps_to_tell":                                     line,
	"SCAN audit_waiting": oldestWaiting,
	"SEARCH audit_log USING INDEX audit_log_by_caller (caller_id=? AND position>? AND position<?)": auditChained(
		chainColumns, &auditIndex{column: "caller_id"}),
	"SEARCH audit_log USING COVERING INDEX audit_log_by_object (object=? AND position>? AND position<?)": auditChained(
		"position", &auditIndex{column: "object"}),
	"SEARCH audit_log USING INDEX audit_log_by_actor (actor_id=? AND position>? AND position<?)": auditChained(
		chainColumns, &auditIndex{column: "actor_id", condition: notByKey}),
	"SEARCH audit_log USING INDEX audit_log_by_action (action=? AND position>? AND position<?)": auditChained(
		chainColumns, &auditIndex{column: "action", condition: notOften}),
}

// BoundedMax is how many rows a page of a list with a filter reads at most.
const BoundedMax = boundedMax

// Pages are queries that read one page of many rows, after the last row of the page
// before, with the columns that they compare with it.
func Pages() map[string]string {
	const byAge = "(received,transaction_id)"
	all := map[string]string{
		auditFrom: "(rowid>?)", pageToCheck: byAge, pageOfHolds: byAge, pageOfDueHolds: "(due,transaction_id)",
	}
	for byExpiry, place := range map[bool]string{false: "token_id<?", true: "(expires,token_id)<(?,?)"} {
		all[callerTokens[byExpiry].page], all[callerTokens[byExpiry].last] = place, place
	}
	all[pageOfVisits] = "visit_id<?"
	all[pageOfQuestions] = "transactions_asking (next_ask>?)"
	all[pageOfAggregates], all[pageOfApprovals], all[pageOfParties] = "aggregate_id<?", "approval_id<?", "party_id<?"
	all[pageOfCallers] = "callers_by_name (<expr>>?)"
	for i, index := range []string{"tokens_by_sender (sender=?", "tokens_by_recipient (recipient=?"} {
		all[tokenIndexes[i].page] = index + " AND (installed,token_id)<(?,?))"
		all[tokenIndexes[i].last] = all[tokenIndexes[i].page]
	}
	all[`SELECT mail_id`+pageOfMailsTo] = "mails_by_age ((created,mail_id)>(?,?))"
	all[pageOfRecentMovements], all[pageOfLateMovements] = byAge, "(at,transaction_id,seq)"
	all[auditWaiting], all[auditChained(chainColumns, nil)] = "(entry_id<?)", "(rowid>? AND rowid<?)"
	for l, query := range queuedIn {
		_, at := l.where()
		all[query] = "(" + at + ",subject,seq)"
	}
	for l, query := range queuedTo {
		_, at := l.where()
		all[query] = "((receiver,caller_id," + at + ")>(?,?,?) AND (receiver,caller_id," + at + ",subject,seq)<"
	}
	all[pageOfWebhooks] = "(endpoint_id=? AND position<?"
	for _, query := range pageOfWebhooksIn {
		all[query] = "(endpoint_id=? AND position<?"
	}
	all[largestInPart], all[lastOfPart] = "transactions_due (caller_id=? AND (due,transaction_id)", "(due,transaction_id)"
	for _, byOrder := range listings {
		all[byOrder[true]], all[byOrder[false]] = byAge, byAge
	}
	return all
}

// Parts are queries that select from the first rows of an index, with the index.
func Parts() map[string]string {
	return map[string]string{
		openOfSender:             "transactions_by_sender (sender=?)",
		lastWith:                 "transactions_by_sender (sender=?)",
		ofSender:                 "transactions_by_sender (sender=?)",
		heldForRecipient:         "transactions_received (recipient=?)",
		heldByCaller:             "transactions_due (caller_id=? AND due>?)",
		textsOfNewest:            "transactions_by_time (caller_id=? AND received>?)",
		tokenIndexes[0].page:     "tokens_by_sender (sender=?",
		tokenIndexes[1].page:     "tokens_by_recipient (recipient=?",
		callerTokens[false].page: "tokens_by_id (caller_id=?",
		callerTokens[true].page:  "tokens_by_expiry (caller_id=?",
		removedInstruments:       "instruments_removed (party_id=?)",
		lastSeen:                 "signed_in_of_party (party_id=?)",
		callersOfOwner:           "callers_by_owner (owner=?)",
	}
}

// Searches are the queries of a search, with the index that each must use.
func Searches() map[string]string {
	return map[string]string{
		requestsSpelled + beginsWith: "PRIMARY KEY (caller_id=? AND reference>? AND reference<?)",
		requestsSpelled + equals:     "PRIMARY KEY (caller_id=? AND reference=?)",
		tokensSpelled + beginsWith:   "tokens_by_reference (caller_id=? AND reference>? AND reference<?)",
		tokensSpelled + equals:       "tokens_by_reference (caller_id=? AND reference=?)",
		visitsSpelled + beginsWith:   "visits_by_reference (caller_id=? AND reference>? AND reference<?)",
		visitsSpelled + equals:       "visits_by_reference (caller_id=? AND reference=?)",

		guestsWithEmail: "guests_by_email (<expr>=?)",
		eraseCalls + ` IN (SELECT value FROM json_each($1))`: "calls_of_checkouts (objects=?)",

		cardsWithLast4:    "instruments_by_last4 (last4=?)",
		networkEventNamed: "(account_id=? AND event_id=?)",
		paymentsNamed:     "network_payments_by_reference (account_id=? AND reference=?)",
		chargesNamed:      "network_payments_by_charge (account_id=? AND charge=?)",
		disputesNamed:     "(account_id=? AND dispute_id=?)",
		holdsNamed:        "page_holds_by_reference (account_id=? AND reference=?)",
		eventsAboutObject: "network_events_by_object (account_id=? AND object=?)",
		eventsAboutParent: "network_events_by_parent (account_id=? AND parent=?)",
	}
}

// WriterPlan returns PostgreSQL's plan for a statement on a connection that
// commits groups.
func (db *DB) WriterPlan(ctx context.Context, text string) (plan string, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		var lines []string
		plan = ""
		err := tx.sql.Run(engine.Statement{Text: "EXPLAIN " + text, Row: func(row scanner) error {
			var line string
			err := row.Scan(&line)
			lines = append(lines, line)
			return err
		}})
		plan = strings.Join(lines, "\n")
		return err
	})
	return plan, err
}

// TransactionColumns are the columns of the table transactions.
func TransactionColumns() (names []string) {
	for _, f := range transactionTable.fields {
		names = append(names, f.Name)
	}
	return names
}

// AddMigration adds a migration to this program until the test ends or
// [ForgetMigrations].
func AddMigration(t *testing.T, name, text string) {
	t.Helper()
	files := fstest.MapFS{"schema/" + name: {Data: []byte(text)}}
	names, err := fs.Glob(embedded, "schema/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	schemaFiles = files
	t.Cleanup(ForgetMigrations)
}

// ForgetMigrations removes the migrations that a test has added.
func ForgetMigrations() { schemaFiles = embedded }
