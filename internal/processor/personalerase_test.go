package processor_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// knownBuyer makes the buyer of a world leave traces everywhere: an address, payments,
// checkouts, sessions, letters, and what a member of the console has.
func knownBuyer(w *holdfasttest.World) {
	t, ctx := w.T, w.T.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Processor.Receipts = receipt
	w.Processor.Identity.Letters = func(n party.Notice) (subject, text string) {
		return string(n.About), "To " + n.To + ": https://pay.example.test/account/verify?link=" + n.Link + " code " +
			n.Code
	}
	do(w.Processor.PrepareReceipts(ctx))
	address, err := w.Processor.Identity.AddAddress(ctx, w.Buyer.ID, holdfast.Address{
		Name: "Ann Quill", Line1: "77 Needle Street", City: "Haystack", Zip: "50010", Country: "US", Phone: "555 0177",
	})
	do(err)
	w.Paid("12.00", "order-1")
	w.StartEvents()
	// A visit with an address that the buyer chose, and checkouts with one that the caller gave.
	id := visit(w, "pipelineName", "SingleUse", "callerReference", "order-2", "transactionAmount", "5",
		"collectShippingAddress", "True")
	_, err = w.Processor.EnterVisit(ctx, id, w.Buyer.ID)
	do(err)
	v, err := w.Processor.ChooseAddress(ctx, id, w.Buyer.ID, address.ID)
	do(err)
	_, err = w.Processor.ConfirmVisit(ctx, id, w.Buyer.ID, processor.Shown{Instrument: v.Instrument, Address: v.Address})
	do(err)
	given := []string{
		"addressName", "Ann Quill", "addressLine1", "77 Needle Street", "city", "Haystack", "state", "IA",
		"zip", "50010", "country", "US", "phoneNumber", "555 0177",
	}
	for _, reference := range []string{"order-3", "order-4"} {
		call := w.Call("call-"+reference, "POST /v1/checkouts", map[string]any{"ship_to": given})
		made, err := w.Processor.CreateCheckout(ctx, w.Shop, call, processor.CreateCheckout{
			Params: checkoutFor(reference, given...),
		})
		do(err)
		if reference == "order-3" {
			approve(w, made.ID)
		} else {
			_, err = w.Processor.EnterVisit(ctx, made.ID, w.Buyer.ID)
			do(err)
		}
	}
	now := w.Clock.Now()
	do(w.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertSignedIn(party.SignedIn{
			ID: "S1", Party: w.Buyer.ID, Begun: now, LastSeen: now, Device: party.Device{
				Browser: "Firefox", Network: "192.0.2.0/24",
			},
		}, now.Add(-time.Hour))
	}))
	at := party.SignedIn{ID: "S1", Party: w.Buyer.ID}
	own := identity.OwnPassword{Password: holdfasttest.Password, From: "192.0.2.7"}
	do(w.Processor.Identity.ChangeEmail(ctx, at, own, "quill@new.example.test"))
	do(w.DB.Update(ctx, func(tx *store.Tx) error {
		return knownMember(tx, w, now)
	}))
}

// knownMember gives the buyer what a member of the console has.
func knownMember(tx *store.Tx, w *holdfasttest.World, now time.Time) error {
	support := party.Membership{Party: w.Buyer.ID, Role: party.RoleSupport, Caller: w.Shop.ID}
	for _, write := range []func() error{
		func() error {
			return tx.SetTOTP(party.TOTP{Party: w.Buyer.ID, Secret: holdfast.NewSecretKey("TOPSECRET"), BegunIn: "S1"})
		},
		func() error { return tx.UseTOTP(w.Buyer.ID, 1, now) },
		func() error { return tx.SetRecoveryCodes(w.Buyer.ID, []party.RecoveryHash{{1}, {2}, {3}}) },
		func() error { return tx.SetMember(party.Member{Membership: support, Created: now}) },
		func() error {
			return tx.SetInvitation(party.Invitation{
				Membership: party.Membership{Role: party.RoleFinance}, Link: party.LinkHash{9},
				Email: strings.ToUpper(w.Buyer.Email), InvitedBy: w.Owner.ID, Created: now,
			}, time.Time{})
		},
		func() error {
			return tx.InsertApproval(party.Approval{
				ID: "A1", Caller: w.Shop.ID, Action: party.ApproveRefund, Object: "1T", Data: "{}",
				Amount: holdfasttest.USD("9.00"), State: party.ApprovalAsked, AskedBy: w.Buyer.ID, AskedAt: now,
			})
		},
		func() error { return tx.Log(party.AuditEntry{Action: "party.change", Object: string(w.Buyer.ID)}, now) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// An export has all that is kept about a person, and nothing that lets its reader in.
func TestAnExportIsComplete(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		knownBuyer(w)
		eachMail(w, func(tx *store.Tx, m store.Mail) error {
			if m.About.Kind == party.MailApproved {
				return tx.RemoveMail(m, w.Clock.Now())
			}
			return nil
		})
		var to bytes.Buffer
		if err := w.Processor.ExportParty(t.Context(), w.Buyer.ID, &to); err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(to.Bytes(), &all); err != nil {
			t.Fatal(err)
		}
		for name, has := range map[string]string{
			"party": "ann@example.test", "addresses": "77 Needle Street", "paymentMethods": "4242", "mails": "charged USD 12.00",
			"visits": "order-2", "authorisations": "SingleUse", "paid": "order-1", "signedIn": "192.0.2.0/24",
			"letters": "quill@new.example.test", "memberships": "support", "invitations": "finance", "approvals": "refund",
			"secondFactor": "2026-", "sentMails": "a…@example.test", "auditLogAboutParty": "party.change",
		} {
			if text := fmt.Sprint(all[name]); !strings.Contains(text, has) {
				t.Errorf("%s lacks %s: %s", name, has, text)
			}
		}
		visits, _ := all["visits"].([]any)
		for _, visit := range visits {
			text := fmt.Sprint(visit) // the address of order-2 is one of the party's own
			if !strings.Contains(text, "order-2") && !strings.Contains(text, "77 Needle Street") {
				t.Errorf("a visit lacks its address: %v", visit)
			}
		}
		if len(visits) != 3 {
			t.Errorf("there are %d visits, want 3", len(visits))
		}
		if factor, is := all["secondFactor"].(map[string]any); !is || factor["recoveryCodesLeft"] != 3.0 {
			t.Errorf("the second factor is %v", all["secondFactor"])
		}
		if !strings.Contains(to.String(), "link=…") {
			t.Error("the letter about the new address has no text")
		}
		secrets := []string{"TOPSECRET", w.Buyer.PasswordHash, string(w.Owner.ID)}
		for _, m := range mailsOf(w) {
			secrets = append(secrets, regexp.MustCompile(`link=(\S+)`).FindAllString(m.Text, -1)...)
			secrets = append(secrets, regexp.MustCompile(`code [0-9]{6}`).FindAllString(m.Text, -1)...)
		}
		for _, secret := range secrets {
			if strings.Contains(to.String(), secret) {
				t.Errorf("the export has %s", secret)
			}
		}
	})
}

func mailsOf(w *holdfasttest.World) (all []store.Mail) {
	w.T.Helper()
	if err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Mails("", 100)
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return all
}

// After an erasure, no column of any table has the name, an address or a card of the
// person.
func TestAnErasureLeavesNothing(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			knownBuyer(w)
			dump := openLedger(t, at, w.Shop.ID).DB
			personal := regexp.MustCompile(`(?i)\bann\b|quill|needle|haystack|555 0177|\b4242\b`)
			before := found(t, dump, engine, personal)
			for _, table := range []string{
				"parties.email", "addresses.line1", "instruments.last4",
				"visits.params", "calls.body", "mails.body", "proofs.email", "invitations.email",
			} {
				if !slices.Contains(before, table) {
					t.Errorf("nothing is known in %s", table)
				}
			}
			if err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.RemoveMember(w.Buyer.ID, w.Shop.ID)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := w.Processor.EraseParty(t.Context(), w.Buyer.ID); err != nil {
				t.Fatal(err)
			}
			// Refunds need the names that the card network has given to cards.
			if left := found(t, dump, engine, personal); !slices.Equal(left, []string{"instruments.network_ref"}) {
				t.Errorf("after the erasure, personal data is in %v", left)
			}
			w.CheckBooks()
		})
	}
}

// found names the columns of a database in which a text occurs.
func found(t *testing.T, db *sql.DB, engine string, text *regexp.Regexp) (columns []string) {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if engine != "SQLite" {
		tables = `
			SELECT table_name FROM information_schema.tables
			WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
	}
	query := func(query string) (names []string, all [][]any) {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if names, err = rows.Columns(); err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			all = append(all, values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return names, all
	}
	_, named := query(tables)
	for _, row := range named {
		table := fmt.Sprint(*row[0].(*any)) //nolint:forcetypeassert // made above
		names, all := query(`SELECT * FROM "` + table + `"`)
		for _, row := range all {
			for i, value := range row {
				switch v := (*value.(*any)).(type) { //nolint:forcetypeassert // made above
				case string:
					if text.MatchString(v) {
						columns = append(columns, table+"."+names[i])
					}
				case []byte:
					if text.Match(v) {
						columns = append(columns, table+"."+names[i])
					}
				}
			}
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}
