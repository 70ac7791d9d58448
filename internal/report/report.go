// Package report makes reports of a caller's books, and writes the books in the
// formats of accounting programs. Everything is dated by when the money moved, in
// the time zone that the reader chose. Reports are written while the books are
// read, so a report may be longer than the memory.
package report

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Name is the name of a report with a line for each movement.
type Name string

// The reports.
const (
	Settlements Name = "settlements" // what was paid to recipients
	Refunds     Name = "refunds"
	Fees        Name = "fees" // of the operator and of marketplaces
	Disputes    Name = "disputes"
	Statement   Name = "statement" // of the money of the caller's owner in the caller's books
)

// A By says what the lines of a report are added up by.
type By string

// Each leaves the lines as they are.
const (
	Each    By = ""
	ByDay   By = "day"
	ByMonth By = "month"
)

// start is the beginning of the day or month of a time, in the time's zone.
func (b By) start(at time.Time) time.Time {
	year, month, day := at.Date()
	if b == ByMonth {
		day = 1
	}
	return midnight(year, month, day, at.Location())
}

// next is the beginning of the day or month after one.
func (b By) next(start time.Time) time.Time {
	year, month, day := start.Date()
	if b == ByMonth {
		return midnight(year, month+1, 1, start.Location())
	}
	return midnight(year, month, day+1, start.Location())
}

// label is the name of a day or month.
func (b By) label(start time.Time) string {
	if b == ByMonth {
		return start.Format("2006-01")
	}
	return start.Format(time.DateOnly)
}

// A Report can be run. Its cells are strings, numbers, amounts and times.
type Report interface {
	Headings() []string
	// Run calls row with the cells of each row.
	Run(ctx context.Context, r store.Reader, row func(cells []any) error) error
}

// A Query says what a report is about. Now is the caller's time: a report that has
// rows for days does not go beyond it.
type Query struct {
	Caller party.Caller
	Period Period
	Now    time.Time
}

// Lines is a report with a line for each movement, or for each day or month.
type Lines struct {
	Query
	Name Name
	By   By
}

// A line is a line of a report.
type line struct {
	*payment.Movement
	at            time.Time
	what          string
	amount        int64
	fee           int64
	commission    int64
	net           int64
	in, out, rest int64
	dispute       payment.Dispute
}

// A column is a column of a report.
type column struct {
	name  string
	value func(*line) any
	micro func(*line) int64 // of a column that is added up; nil for others
	last  bool              // a sum shows the last value of the column
}

func text(name string, value func(*line) string) column {
	return column{name: name, value: func(l *line) any { return value(l) }}
}

func amount(name string, micro func(*line) int64) column {
	return column{name: name, value: func(l *line) any { return money.Micros(micro(l)) }, micro: micro}
}

var (
	dateColumn        = column{name: "date", value: func(l *line) any { return l.at }}
	transactionColumn = text("transaction", func(l *line) string { return string(l.Transaction) })
	referenceColumn   = text("reference", func(l *line) string { return string(l.Reference) })
	methodColumn      = text("method", func(l *line) string { return string(l.Method) })
	whatColumn        = text("operation", func(l *line) string { return l.what })
	paymentColumn     = text("payment", func(l *line) string { return string(l.Parent) })
	amountColumn      = amount("amount", func(l *line) int64 { return l.amount })
	netColumn         = amount("net", func(l *line) int64 { return l.net })
)

// A kind says what a report shows.
type kind struct {
	columns []column
	lines   func(*reading, *payment.Movement) []line
}

var kinds = map[Name]kind{
	Settlements: {
		columns: []column{
			dateColumn, transactionColumn, whatColumn, referenceColumn, methodColumn,
			text("hold", func(l *line) string { return string(l.hold()) }), amountColumn,
			amount("fee", func(l *line) int64 { return l.fee }),
			amount("marketplace_fee", func(l *line) int64 { return l.commission }), netColumn,
		},
		lines: settlementLines,
	},
	Refunds: {
		columns: []column{
			dateColumn, transactionColumn, whatColumn, referenceColumn, methodColumn, paymentColumn, amountColumn,
			amount("fee_returned", func(l *line) int64 { return l.fee }),
			amount("marketplace_fee_returned", func(l *line) int64 { return l.commission }), netColumn,
		},
		lines: refundLines,
	},
	Fees: {
		columns: []column{
			dateColumn, transactionColumn, whatColumn, referenceColumn, paymentColumn,
			amount("fee", func(l *line) int64 { return l.fee }),
			amount("marketplace_fee", func(l *line) int64 { return l.commission }),
		},
		lines: feeLines,
	},
	Disputes: {
		columns: []column{
			dateColumn, transactionColumn, whatColumn, referenceColumn, paymentColumn, amountColumn,
			text("dispute", func(l *line) string { return l.dispute.ID }),
			text("reason", func(l *line) string { return l.dispute.Reason }),
			text("status", func(l *line) string { return l.dispute.Status }),
		},
		lines: disputeLines,
	},
	Statement: {
		columns: []column{
			dateColumn, transactionColumn, whatColumn, referenceColumn,
			text("description", func(l *line) string { return l.Description }),
			amount("in", func(l *line) int64 { return l.in }), amount("out", func(l *line) int64 { return l.out }),
			{name: "balance", value: func(l *line) any { return money.Micros(l.rest) }, last: true},
		},
		lines: statementLines,
	},
}

// Headings are the names of the columns.
func (q Lines) Headings() (names []string) {
	if q.By != Each {
		names = []string{string(q.By), "count"}
	}
	for _, c := range kinds[q.Name].columns {
		if q.By == Each || c.micro != nil || c.last {
			names = append(names, c.name)
		}
	}
	if q.By != Each {
		names = append(names, zoneHeading)
	}
	return names
}

// zoneHeading is the name of the last column of reports by day or month: the time zone in
// which the days begin.
const zoneHeading = "zone"

// A reading is a report that is being made.
type reading struct {
	Lines
	tx      *store.ReadTx
	balance int64 // of a statement, so far
	err     error
}

// Run makes the report from one consistent state of the store.
func (q Lines) Run(ctx context.Context, r store.Reader, row func([]any) error) error {
	return r.ViewLong(ctx, func(tx *store.ReadTx) error {
		run := &reading{Lines: q, tx: tx}
		if q.Name == Statement {
			before, err := tx.FiguresBefore(q.Caller.ID, q.Period.From)
			if err != nil {
				return err
			}
			if run.balance = before.OwnIn - before.OwnOut; q.By == Each {
				if err := row(run.openingRow()); err != nil {
					return err
				}
			}
		}
		put := run.each(row)
		var sums *summer
		if q.By != Each {
			sums = &summer{reading: run, row: row}
			put = sums.add
		}
		err := tx.Movements(q.Caller.ID, q.Period.From, q.Period.To, func(m *payment.Movement) error {
			for _, l := range kinds[q.Name].lines(run, m) {
				if run.err != nil {
					return run.err
				}
				l.Movement, l.at = m, m.At.In(q.Period.Zone())
				if err := put(&l); err != nil {
					return err
				}
			}
			return run.err
		})
		if err == nil && sums != nil {
			err = sums.end()
		}
		return err
	})
}

// openingRow is the first row of a statement.
func (r *reading) openingRow() []any {
	first := line{
		Movement: &payment.Movement{}, at: r.Period.From, what: "Opening balance", rest: r.balance,
	}
	return r.cells(&first)
}

func (r *reading) cells(l *line) (cells []any) {
	for _, c := range kinds[r.Name].columns {
		cells = append(cells, c.value(l))
	}
	return cells
}

func (r *reading) each(row func([]any) error) func(*line) error {
	return func(l *line) error { return row(r.cells(l)) }
}

// A summer adds the lines of each day or month up. Days and months without a line
// have no row.
type summer struct {
	*reading
	row   func([]any) error
	start time.Time
	count int64
	sums  []int64
}

func (s *summer) add(l *line) error {
	if start := s.By.start(l.at); s.count == 0 || !start.Equal(s.start) {
		if err := s.end(); err != nil {
			return err
		}
		s.start, s.count, s.sums = start, 0, make([]int64, len(kinds[s.Name].columns))
	}
	s.count++
	for i, c := range kinds[s.Name].columns {
		switch {
		case c.micro != nil:
			s.sums[i] += c.micro(l)
		case c.last:
			s.sums[i] = l.rest
		}
	}
	return nil
}

// end writes the row of the day or month, if there is one.
func (s *summer) end() error {
	if s.count == 0 {
		return nil
	}
	cells := []any{s.By.label(s.start), s.count}
	for i, c := range kinds[s.Name].columns {
		if c.micro != nil || c.last {
			cells = append(cells, money.Micros(s.sums[i]))
		}
	}
	s.count = 0
	return s.row(append(cells, s.Period.Zone().String()))
}

// endOfTime is later than every movement.
var endOfTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Named finds a report by its name.
func Named(name string) (Name, error) {
	if _, found := kinds[Name(name)]; !found {
		return "", fmt.Errorf("there is no report %q", name)
	}
	return Name(name), nil
}
