package store_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func rename(t *testing.T, db *store.DB, id party.ID, name string) error {
	t.Helper()
	return db.Update(t.Context(), func(tx *store.Tx) error {
		p, _, err := tx.Party(id)
		if err != nil {
			return err
		}
		p.Name = name
		return tx.UpdateParty(p)
	})
}

func nameOf(t *testing.T, db *store.DB, id party.ID) (name string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.ReadTx) error {
		p, _, err := tx.Party(id)
		name = p.Name
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// An action reads one row and writes another, while another server changes the
// first. On PostgreSQL the action must not commit a change that depends on the
// old row. On SQLite the other server waits for the only writer.
func TestWhatADecisionOnlyReadCannotChange(t *testing.T) {
	reads := map[string]func(tx *store.Tx) (party.Party, error){
		"by its key": func(tx *store.Tx) (party.Party, error) {
			p, _, err := tx.Party("P0001")
			return p, err
		},
		"by a query": func(tx *store.Tx) (party.Party, error) {
			p, _, err := tx.PartyByEmail("p1@example.test")
			return p, err
		},
		"in a list": func(tx *store.Tx) (party.Party, error) {
			all, err := tx.Parties()
			return all[1], err
		},
		"unlocked": func(tx *store.Tx) (party.Party, error) {
			p, _, err := tx.Unlocked("this is the test of it").Party("P0001")
			return p, err
		},
	}
	for engine, address := range holdfasttest.Addresses(t) {
		for how, read := range reads {
			for _, crowd := range []int{1, 5} {
				t.Run(engine+" "+how+map[bool]string{true: " alone", false: " with others"}[crowd == 1], func(t *testing.T) {
					at := address(t)
					db, other := holdfasttest.Open(t, at), holdfasttest.Open(t, at)
					if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(0)) }); err != nil {
						t.Fatal(err)
					}
					for i := 1; i <= crowd+1; i++ {
						if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(i)) }); err != nil {
							t.Fatal(err)
						}
					}
					letGo := func() {}
					if crowd > 1 {
						letGo = occupiedInVain(t, db)
					}
					var changed sync.Once
					var wait sync.WaitGroup
					for i := range crowd {
						wait.Go(func() {
							err := db.Update(t.Context(), func(tx *store.Tx) error {
								p, err := read(tx)
								if err != nil {
									return err
								}
								changed.Do(func() {
									change := func() {
										if err := rename(t, other, "P0001", "new"); err != nil {
											t.Errorf("the other server: %v", err)
										}
									}
									if engine == "SQLite" {
										wait.Go(change)
									} else {
										change()
									}
								})
								b := newParty(2 + i)
								b.Name = "saw " + p.Name
								return tx.UpdateParty(b)
							})
							if err != nil {
								t.Error(err)
							}
						})
					}
					if crowd > 1 {
						store.WaitForQueue(db, crowd)
					}
					letGo()
					wait.Wait()
					want := "saw new"
					if engine == "SQLite" || how == "unlocked" {
						want = "saw Party"
					}
					if got := nameOf(t, db, "P0002"); got != want {
						t.Errorf("the action %s, want %s", got, want)
					}
					if got := nameOf(t, db, "P0001"); got != "new" {
						t.Errorf("the other server wrote %q", got)
					}
				})
			}
		}
	}
}

// Two servers find that a row does not exist, and both add it. The second one
// runs again and reads the row of the first one.
func TestTwoAddTheSameRow(t *testing.T) {
	address := postgresAddress(t)
	db, other := holdfasttest.Open(t, address), holdfasttest.Open(t, address)
	add := func(id holdfast.TransactionID, between func()) (met holdfast.TransactionID, err error) {
		return met, db.Update(t.Context(), func(tx *store.Tx) error {
			r, found, err := tx.Request("C1", "order")
			if err != nil || found {
				met = r.Transaction
				return err
			}
			between()
			return tx.RememberRequest(payment.Request{
				Caller: "C1", Reference: "order", Transaction: id, Received: holdfasttest.Start,
			})
		})
	}
	met, err := add("T2", sync.OnceFunc(func() {
		err := other.Update(t.Context(), func(tx *store.Tx) error {
			return tx.RememberRequest(payment.Request{
				Caller: "C1", Reference: "order", Transaction: "T1", Received: holdfasttest.Start,
			})
		})
		if err != nil {
			t.Errorf("the other server: %v", err)
		}
	}))
	if met != "T1" || err != nil {
		t.Errorf("the second one found %q and %v, want T1", met, err)
	}
}

// A decision that depends on a row's absence has to add the row. Nothing else
// could keep another server from adding it.
func TestAbsenceIsWritten(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if _, _, err := tx.Request("C1", "order"); err != nil {
				return err
			}
			return insert(tx, newParty(1))
		})
		if err == nil || !strings.Contains(err.Error(), "depends on the absence of row") {
			t.Errorf("answered %v", err)
		}
		if exists(t, db, "P0001") {
			t.Error("it was committed")
		}
	})
}

// A decision that reads a balance and spends nothing conflicts with a decision
// that spends.
func TestABalanceThatWasReadIsNotSpentMeanwhile(t *testing.T) {
	address := postgresAddress(t)
	db := holdfasttest.Open(t, address)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Deposit(w.Buyer.ID, "10.00")
	for _, want := range []int64{6_000_000, 2_000_000} { // the first decision creates the gate, the second one finds it
		token := w.AuthorizeWith(w.Balance(), "4.00")
		pay := sync.OnceFunc(func() {
			if _, err := w.Pay(token, "4.00", holdfast.CallerReference(token)); err != nil {
				t.Errorf("paying: %v", err)
			}
		})
		var saw int64
		err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if saw, err = tx.AccountBalance(ledger.Party(string(w.Buyer.ID)), true); err != nil {
				return err
			}
			pay()
			return tx.SetLanguage(w.Owner.ID, "de")
		})
		if err != nil || saw != want {
			t.Errorf("it saw %d and ended with %v, want %d", saw, err, want)
		}
	}
}

// Within one commit, too, a decision that reads a balance sees what earlier
// actions spent.
func TestABalanceThatWasReadIsNotSpentInTheSameCommit(t *testing.T) {
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
	w.Deposit(w.Buyer.ID, "10.00")
	token := w.AuthorizeWith(w.Balance(), "4.00")
	letGo := occupied(t, w.DB)
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := w.Processor.Pay(t.Context(), w.Shop, holdfast.PayRequest{
			SenderTokenID: token, TransactionAmount: holdfasttest.USD("4.00"), CallerReference: "order",
		})
		if err != nil {
			t.Errorf("paying: %v", err)
		}
	})
	store.WaitForQueue(w.DB, 1)
	var saw int64
	wait.Go(func() {
		err := w.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
			saw, err = tx.AccountBalance(ledger.Party(string(w.Buyer.ID)), true)
			return err
		})
		if err != nil {
			t.Errorf("reading: %v", err)
		}
	})
	store.WaitForQueue(w.DB, 2)
	letGo()
	wait.Wait()
	if saw != 6_000_000 {
		t.Errorf("it saw %d, want the balance after the payment", saw)
	}
}
