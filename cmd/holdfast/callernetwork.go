package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// callerNetworkFlags say which account at a card network a caller uses, and how.
type callerNetworkFlags struct {
	Network    string         `help:"Take cards at this account (see network list), or at none: sandbox. The account belongs to the caller's owner." placeholder:"ACCOUNT"`
	Live       bool           `help:"Take real money. Without --network, at the owner's default live account."`
	Wait       *time.Duration `help:"Let a Reserve or Pay wait this long for the card network before it answers Pending; 0s is the server's choice, which is 2s in the sandbox and 5s at a card network." placeholder:"DURATION"`
	HoldOnPage *bool          `help:"Hold the money while the buyer is on the pages, if the request says that a Reserve follows. On for callers with an account at a card network, unless you say otherwise." negatable:""`
	Guests     *bool          `help:"Let buyers pay once without an account here. On for callers with an account at a card network, unless you say otherwise." negatable:""`
	GuestLimit *limit         `help:"Limit what guests may pay with one card in a month; none removes the limit." placeholder:"500.00"`
}

func (f callerNetworkFlags) given() bool {
	return f.Network != "" || f.Live || f.Wait != nil || f.HoldOnPage != nil || f.Guests != nil ||
		f.GuestLimit != nil
}

// account finds the account that is meant. It is empty for the sandbox. Without
// any flag, it is the owner's default of mode, if there is one.
func (f callerNetworkFlags) account(
	ctx context.Context, r store.Reader, owner party.ID, mode payment.NetworkMode,
) (payment.NetworkAccountID, error) {
	if f.Network == payment.SandboxName {
		return "", nil
	}
	all, err := r.NetworkAccounts(ctx)
	if err != nil {
		return "", err
	}
	if f.Network != "" {
		a, err := chooseNetwork(all, f.Network)
		return a.ID, err
	}
	a, found := processor.DefaultNetwork(all, owner, mode)
	if !found && mode == payment.NetworkLive {
		return "", fmt.Errorf("--live: the caller's owner has no default live account; name one with --network ACCOUNT")
	}
	return a.ID, nil
}

// mode is that of the account that a new caller gets by default.
func (f callerNetworkFlags) mode() payment.NetworkMode {
	if f.Live {
		return payment.NetworkLive
	}
	return payment.NetworkTest
}

// change changes a caller as the flags and more say.
func (f callerNetworkFlags) change(
	ctx context.Context, db *store.DB, w world, c party.Caller, more func(party.Caller) (party.Caller, error),
) (party.Caller, error) {
	change := func(c party.Caller) (party.Caller, error) {
		set(&c.Wait, f.Wait)
		set(&c.HoldOnPage, f.HoldOnPage)
		set(&c.Guests, f.Guests)
		set(&c.GuestLimit, (*money.Amount)(f.GuestLimit))
		return more(c)
	}
	p, mails, err := mailingClerk(ctx, db, w)
	if err != nil {
		return c, err
	}
	changed := c
	if f.Network == "" && !f.Live {
		changed, err = p.ChangeCaller(ctx, c.ID, change)
	} else if id, wrong := f.account(ctx, db.Reader, c.Owner, f.mode()); wrong != nil {
		return c, wrong
	} else {
		changed, err = p.UseNetwork(ctx, c.ID, id, f.Live, change)
	}
	if err == nil && !mails && party.RaisesLimit(c.ApproveAbove, changed.ApproveAbove) {
		fmt.Fprintln(w.Err, "No server that sends mails is running, so the owners got no mail about the new limit.")
	}
	return changed, err
}

// networkOf names what a caller's payments use.
func networkOf(c party.Caller) string {
	switch {
	case c.Network == "":
		return payment.SandboxName
	case c.Sandbox:
		return string(c.Network) + ", test"
	}
	return string(c.Network) + ", live"
}

// waitOf says how long a caller waits for the network.
func waitOf(c party.Caller) string {
	if c.Wait == 0 {
		return ""
	}
	return c.Wait.String()
}
