package engine_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// wide adds rows with as many columns as a transaction has.
var wide = engine.NewRows(engine.Insertion{
	Doing: "adding a wide row", Table: "wide", Columns: append(wideColumns(engine.Text, "t"), wideColumns(engine.Number, "n")...),
})

func wideColumns(kind engine.ColumnType, prefix string) (all []engine.Column) {
	for i := range wideEach {
		all = append(all, engine.Column{Name: fmt.Sprint(prefix, i), Type: kind})
	}
	return all
}

const wideEach = 16

// BenchmarkGroup commits groups of Works that are like a Reserve: each reads two
// rows together, changes one of them, adds a wide row and two narrow ones. The
// result is per Work.
func BenchmarkGroup(b *testing.B) {
	for name, address := range holdfasttest.EmptyAddresses(b) {
		db := open(b, address(b), engine.Config{})
		create := `CREATE TABLE wide (id BIGINT`
		for _, c := range append(wideColumns(engine.Text, "t"), wideColumns(engine.Number, "n")...) {
			create += ", " + c.Name + " " + string(c.Type)
		}
		if _, err := db.WriterPool().ExecContext(b.Context(), create+")"); err != nil {
			b.Fatal(err)
		}
		mustUpdate(b, db, func(tx *engine.Tx) error {
			for i := range 512 {
				if err := add(tx, fmt.Sprint("number ", i), 1_000_000); err != nil {
					return err
				}
			}
			return nil
		})
		commit := db.OneWriter()
		for _, size := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				works := make([]func(tx *engine.Tx) error, size)
				for i := range works {
					works[i] = likeReserve(i)
				}
				b.ReportAllocs()
				for n := 0; n < b.N; n += size {
					if err := errors.Join(commit(works)...); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func likeReserve(i int) func(tx *engine.Tx) error {
	mine, other := fmt.Sprint("number ", i), fmt.Sprint("number ", 256+i)
	return func(tx *engine.Tx) error {
		numbers.Expect(tx, mine)
		if _, _, err := numbers.Get(tx.Unlocked("it is never changed"), other); err != nil {
			return err
		}
		values := make([]any, 0, 2*wideEach)
		for range wideEach {
			values = append(values, mine)
		}
		for n := range wideEach {
			values = append(values, int64(1_000_000+n))
		}
		return errors.Join(
			increase(tx, mine, 1), wide.Add(tx, values...), events.Add(tx, mine, int64(i)), events.Add(tx, other, int64(i)))
	}
}
