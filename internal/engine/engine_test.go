package engine_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// The tests have a table of numbers with names, a table of events without keys,
// and a counter.
const schema = `
	CREATE TABLE numbers (name TEXT PRIMARY KEY, alias TEXT NOT NULL, n BIGINT NOT NULL CHECK (n >= 0));
	CREATE INDEX numbers_by_alias ON numbers (alias);
	CREATE TABLE events (what TEXT NOT NULL, n BIGINT NULL);
	CREATE TABLE amounts (shop TEXT NOT NULL, shard BIGINT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (shop, shard))`

type number struct {
	name, alias string
	n           int64
}

func scanNumber(row engine.Scanner) (n number, err error) {
	err = row.Scan(&n.name, &n.alias, &n.n)
	return n, err
}

const selectNumbers = `SELECT name, alias, n FROM numbers `

type alias string

var (
	numbers = engine.NewSource(engine.Source[string, number]{
		Doing: "reading a number",
		Query: selectNumbers + `WHERE name = $1`, Many: selectNumbers + `WHERE name = ANY($1::text[])`, Order: "name",
		Args: func(k string) []any { return []any{k} },
		Scan: scanNumber, Key: func(n number) string { return n.name },
	})
	aliases = engine.NewSource(engine.Source[alias, number]{
		Doing: "reading a number by its alias",
		Query: selectNumbers + `WHERE alias = $1`, Many: selectNumbers + `WHERE alias = ANY($1::text[])`, Order: "alias",
		Args: func(k alias) []any { return []any{string(k)} },
		Scan: scanNumber, Key: func(n number) alias { return alias(n.alias) },
		MayAppear: "the tests do not add such rows",
	})
	insertNumber = numbers.Change(engine.Insertion{
		Doing: "adding a number", Table: "numbers",
		Columns: append(engine.Columns(engine.Text, "name, alias"), engine.Columns(engine.Number, "n")...),
	})
	// setNumber has the values new n, name, old n.
	setNumber = numbers.Change(engine.Update{
		Doing: "setting a number", Table: "numbers", Set: engine.Columns(engine.Number, "n"),
		Key: engine.Columns(engine.Text, "name"), Guard: engine.Columns(engine.Number, "n"),
	})
	events = engine.NewRows(engine.Insertion{
		Doing: "adding an event", Table: "events",
		Columns: append(engine.Columns(engine.Text, "what"), engine.Columns(engine.Number, "n")...),
	})
	amounts = engine.NewCounter(
		engine.NewSource(engine.Source[string, engine.Total[string]]{
			Doing:    "reading an amount",
			Query:    `SELECT shop, CAST(SUM(amount) AS BIGINT) FROM amounts WHERE shop = $1 GROUP BY shop`,
			Many:     `SELECT shop, CAST(SUM(amount) AS BIGINT) FROM amounts WHERE shop = ANY($1::text[]) GROUP BY shop`,
			Args:     func(k string) []any { return []any{k} },
			Scan:     func(row engine.Scanner) (t engine.Total[string], err error) { return t, row.Scan(&t.Key, &t.Amount) },
			Key:      func(t engine.Total[string]) string { return t.Key },
			Unlocked: "no test decides by an amount",
		}),
		engine.Insertion{
			Doing: "adding to an amount", Table: "amounts",
			Otherwise: "ON CONFLICT (shop, shard) DO UPDATE SET amount = amounts.amount + excluded.amount",
			Columns:   append(engine.Columns(engine.Text, "shop"), engine.Columns(engine.Number, "shard, amount")...),
		},
		func(shop string) []any { return []any{shop} })
)

// add adds a number that does not exist.
func add(tx *engine.Tx, name string, n int64) error {
	return insertNumber.Write(tx, name, name, "alias of "+name, n)
}

// increase adds to a number that exists.
func increase(tx *engine.Tx, name string, by int64) error {
	v, found, err := numbers.Get(tx, name)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("there is no number " + name)
	}
	return setNumber.Write(tx, name, v.n+by, name, v.n)
}

func addressOf(at string) engine.Address {
	if strings.HasPrefix(at, "postgres://") {
		return engine.Address{PostgreSQL: at}
	}
	return engine.Address{File: at}
}

// open makes the tables, unless they exist, and starts an engine.
func open(t testing.TB, at string, c engine.Config) *engine.DB {
	t.Helper()
	pools, err := engine.Connect(t.Context(), addressOf(at))
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(schema, ";") {
		text = strings.Replace(text, "CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
		text = strings.Replace(text, "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1)
		if _, err := pools.Writer.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	db, err := engine.Start(t.Context(), pools, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return db
}

// databases runs a test on each kind of database.
func databases(t *testing.T, test func(t *testing.T, db *engine.DB)) {
	t.Helper()
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) { test(t, open(t, address(t), engine.Config{})) })
	}
}

// valueOf reads a number. It is -1 if it does not exist.
func valueOf(t testing.TB, db *engine.DB, name string) int64 {
	t.Helper()
	n := int64(-1)
	err := db.View(t.Context(), func(tx *engine.Tx) error {
		v, found, err := numbers.Get(tx, name)
		if found {
			n = v.n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustUpdate(t testing.TB, db *engine.DB, run func(tx *engine.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

var errRefused = errors.New("refused")

// busy keeps all writers busy with a Work each, which ends with an error and
// commits nothing when its channel is closed.
func busy(t testing.TB, db *engine.DB) (holds []chan struct{}, wait func()) {
	t.Helper()
	var works sync.WaitGroup
	for i := range db.Writers() {
		begun, hold := make(chan struct{}), make(chan struct{})
		holds = append(holds, hold)
		if i > 0 { // the writer of the first has the turn
			defer engine.SmallCrowd(db)()
		}
		works.Go(func() {
			err := db.Update(t.Context(), func(*engine.Tx) error { close(begun); <-hold; return errRefused })
			if !errors.Is(err, errRefused) {
				t.Errorf("the Work that keeps a writer busy: %v", err)
			}
		})
		<-begun
	}
	return holds, works.Wait
}

// occupied keeps all writers busy, so that further Works wait in the queue until
// they are let go.
func occupied(t testing.TB, db *engine.DB) (letGo func()) {
	t.Helper()
	holds, wait := busy(t, db)
	return func() {
		for _, hold := range holds {
			close(hold)
		}
		wait()
	}
}

// together runs functions in one group, in their order. It returns their errors.
func together(t testing.TB, db *engine.DB, works ...func(tx *engine.Tx) error) []error {
	t.Helper()
	letGo := occupiedAllButOne(t, db)
	errs := make([]error, len(works))
	var wait sync.WaitGroup
	for i, run := range works {
		wait.Go(func() { errs[i] = db.Update(t.Context(), run) })
		engine.WaitForQueue(db, i+1, 0)
	}
	letGo(&wait)
	return errs
}

// occupiedAllButOne keeps all writers busy. Then it lets the one with the turn go,
// which takes the whole queue, and the others when the queue's Works have ended.
func occupiedAllButOne(t testing.TB, db *engine.DB) (letGo func(works *sync.WaitGroup)) {
	t.Helper()
	holds, wait := busy(t, db)
	return func(works *sync.WaitGroup) {
		close(holds[0])
		works.Wait()
		for _, hold := range holds[1:] {
			close(hold)
		}
		wait()
	}
}
