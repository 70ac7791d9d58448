package packages

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	storePath  = "/var/lib/holdfast/holdfast.db"
	configPath = "/etc/holdfast/holdfast.conf"
)

// The package is installed, the server runs as its own user with the package's
// settings, and somebody buys something: Reserve, then Settle for less.
func TestInstalledServerSells(t *testing.T) {
	m := install(t, made(t).deb(t))
	const sellerPassword, buyerPassword = "a long password for the shop", "a long password for Ann"
	m.holdfast(sellerPassword, "party", "create", "--store", storePath, "--name", "A Shop", "--email", "shop@example.com")
	address := m.start()
	m.holdfast(buyerPassword, "party", "create", "--store", storePath, "--name", "Ann Buyer", "--email", "ann@example.com")
	var caller struct{ CallerID, AccessKeyID, SecretAccessKey string }
	m.answer(&caller, "", "caller", "create", "--store", storePath, "--owner", "shop@example.com", "--name", "A Shop")

	const returnURL = "http://127.0.0.1:4711/return"
	client := &holdfast.Client{
		Endpoint: "http://" + address + "/", CoBranded: "http://" + address + holdfast.CoBrandedPath,
		AccessKeyID: caller.AccessKeyID, SecretKey: holdfast.NewSecretKey(caller.SecretAccessKey),
	}
	link, err := client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: "order-1-pay", ReturnURL: returnURL,
		TransactionAmount: money.Cents(1250), PaymentReason: "A mug", Reserve: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ann := newBuyer(t, "ann@example.com", buyerPassword)
	ann.StopAt = returnURL
	ann.Open(link)
	ann.pay()
	verifier := holdfast.Verifier{CallerID: holdfast.CallerID(caller.CallerID), Client: client}
	back, err := verifier.ParseReturn(t.Context(), ann.Left)
	if err != nil || !back.Authorised() {
		t.Fatalf("the buyer returns with %s: %v", ann.Left, err)
	}
	held, err := client.Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: back.TokenID, CallerReference: "order-1", TransactionAmount: money.Cents(1250),
	})
	if err != nil || held.Status != holdfast.StatusReserved {
		t.Fatalf("Reserve answers %+v, %v", held, err)
	}
	paid, err := client.Settle(t.Context(), holdfast.SettleRequest{
		ReserveTransactionID: held.TransactionID, TransactionAmount: money.Cents(1000),
	})
	if err != nil || paid.Status != holdfast.StatusSuccess {
		t.Fatalf("Settle answers %+v, %v", paid, err)
	}
	if out := string(m.holdfast("", "books", "check", "--store", storePath)); !strings.Contains(out, "right") {
		t.Errorf("the books: %s", out)
	}
	wantServersOwn(t, m)
}

// wantServersOwn fails the test unless the server's user owns the store, and no
// other user can read it or the settings.
func wantServersOwn(t *testing.T, m machine) {
	t.Helper()
	own, err := user(m.root, "holdfast")
	if err != nil || own.Uid == 0 {
		t.Fatalf("the server's user is %+v (%v)", own, err)
	}
	for _, want := range []struct {
		path     string
		mode     os.FileMode
		uid, gid uint32
	}{
		{filepath.Dir(storePath), os.ModeDir | 0o700, own.Uid, own.Gid},
		{storePath, 0o600, own.Uid, own.Gid},
		{configPath, 0o640, 0, own.Gid},
	} {
		info, err := os.Stat(m.path(want.path))
		if err != nil {
			t.Fatal(err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || info.Mode() != want.mode || stat.Uid != want.uid || stat.Gid != want.gid {
			t.Errorf("%s has mode %v and owner %d:%d, want %v and %d:%d",
				want.path, info.Mode(), stat.Uid, stat.Gid, want.mode, want.uid, want.gid)
		}
	}
}

// Installing or removing the package keeps changed settings. A purge removes
// the settings, but neither the data nor the keys.
func TestRemovalKeepsWhatIsNotTheirs(t *testing.T) {
	deb := made(t).deb(t)
	m := install(t, deb)
	if _, err := os.Lstat(m.path("etc/systemd/system/multi-user.target.wants/holdfast.service")); err == nil {
		t.Error("installing enables the service")
	}
	needs(t, "systemctl", "systemd")
	output(t, "systemctl", "--root="+m.root, "enable", "holdfast.service")
	const changed = "listen = 127.0.0.1:9000\nstore = /var/lib/holdfast/holdfast.db\n"
	for path, text := range map[string]string{configPath: changed, storePath: "books", "/etc/holdfast/seal.key": "key"} {
		if err := os.WriteFile(m.path(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(m.path(configPath), 0o600); err != nil {
		t.Fatal(err)
	}
	m.dpkg("--install", deb)
	if info, err := os.Stat(m.path(configPath)); err != nil || info.Mode() != 0o600 || m.read(configPath) != changed {
		t.Errorf("installing again changes the settings: %v, %v\n%s", info.Mode(), err, m.read(configPath))
	}
	m.dpkg("--remove", "holdfast")
	if got := m.read(configPath); got != changed {
		t.Errorf("removing changes the settings:\n%s", got)
	}
	if _, err := os.Lstat(m.path("etc/systemd/system/multi-user.target.wants/holdfast.service")); err == nil {
		t.Error("the service stays enabled without its unit")
	}
	if said := m.dpkg("--purge", "holdfast"); !strings.Contains(said, "/var/lib/holdfast") {
		t.Errorf("a purge does not say that it keeps the data:\n%s", said)
	}
	if _, err := os.Stat(m.path(configPath)); err == nil {
		t.Error("a purge leaves the settings")
	}
	for _, path := range []string{storePath, "/etc/holdfast/seal.key"} {
		if _, err := os.Stat(m.path(path)); err != nil {
			t.Errorf("a purge removes %s: %v", path, err)
		}
	}
}
