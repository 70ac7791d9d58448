package ipn_test

import (
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const prefix = "https://fps.example.com/"

func loadSigner(t *testing.T, db *store.DB, now time.Time) *ipn.Signer {
	t.Helper()
	s, err := ipn.LoadSigner(t.Context(), db, prefix, now)
	if err != nil {
		t.Fatalf("loading the signer: %v", err)
	}
	return s
}

func TestSignerKeepsItsKey(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		now := holdfasttest.Start
		s := loadSigner(t, db, now)
		if got, want := s.CertificateURL(), "https://fps.example.com/certs/112326/PKICert.pem"; got != want {
			t.Errorf("certificateUrl is %s, want %s", got, want)
		}
		text, ok := s.CertificateFor("/certs/112326/PKICert.pem")
		if !ok {
			t.Fatal("the certificate is not served under its path")
		}
		certs, err := holdfast.ParseCertificates(text)
		if err != nil || len(certs) != 1 {
			t.Fatalf("the PEM holds %d certificates, %v", len(certs), err)
		}
		cert := certs[0]
		if key, ok := cert.PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() != 2048 {
			t.Errorf("the certificate's key is %T, want RSA of 2048 bits", cert.PublicKey)
		}
		if cert.NotBefore.After(now) || cert.NotAfter.Before(now.AddDate(10, 0, -1)) {
			t.Errorf("the certificate is valid from %v to %v, want ten years from %v", cert.NotBefore, cert.NotAfter, now)
		}
		if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
			t.Errorf("the certificate is not signed by itself: %v", err)
		}
		if _, ok := s.CertificateFor("/certs/112426/PKICert.pem"); ok {
			t.Error("another day's path serves a certificate")
		}
		later := loadSigner(t, db, now.AddDate(0, 1, 0))
		if !later.Certificates()[0].Equal(cert) || later.CertificateURL() != s.CertificateURL() {
			t.Error("after a restart there is another key")
		}
	})
}

// Servers that start at the same time on one store sign with the same key, also
// if midnight is between them.
func TestServersThatStartAtOnceShareAKey(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			stores := []*store.DB{holdfasttest.Open(t, at), holdfasttest.Open(t, at), holdfasttest.Open(t, at)}
			signers := make([]*ipn.Signer, len(stores))
			var starting sync.WaitGroup
			for i, db := range stores {
				starting.Go(func() {
					now := holdfasttest.Start.AddDate(0, 0, i/2)
					s, err := ipn.LoadSigner(t.Context(), db, prefix, now)
					if err != nil {
						t.Error(err)
					}
					signers[i] = s
				})
			}
			starting.Wait()
			if t.Failed() {
				return
			}
			for _, s := range signers[1:] {
				if s.CertificateURL() != signers[0].CertificateURL() || !s.Certificates()[0].Equal(signers[0].Certificates()[0]) {
					t.Errorf("servers sign with %s and %s", signers[0].CertificateURL(), s.CertificateURL())
				}
			}
		})
	}
}

func TestRetiredKeysStillVerify(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/retired.db")
	old := loadSigner(t, db, holdfasttest.Start)
	other := holdfasttest.Open(t, t.TempDir()+"/other.db")
	loadSigner(t, other, holdfasttest.Start.AddDate(1, 0, 0))
	rotateTo(t, db, other)

	s := loadSigner(t, db, holdfasttest.Start.AddDate(1, 0, 1))
	if got, want := s.CertificateURL(), prefix+"certs/112327/PKICert.pem"; got != want {
		t.Errorf("certificateUrl is %s, want the newest key's %s", got, want)
	}
	if _, ok := s.CertificateFor("/certs/112326/PKICert.pem"); !ok {
		t.Error("the retired certificate is not served any more")
	}
	signed, err := old.Sign(http.MethodPost, "https://shop.example.com/ipn", holdfast.Params{{Name: "a", Value: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := holdfast.VerifyMessage(s.Certificates(), http.MethodPost, "https://shop.example.com/ipn",
		signed.Encode()); err != nil {
		t.Errorf("what a retired key signed: %v", err)
	}
}

// rotateTo adds the other store's key to db.
func rotateTo(t *testing.T, db, other *store.DB) {
	t.Helper()
	var keys []store.SigningKey
	err := other.View(t.Context(), func(tx *store.ReadTx) (err error) {
		keys, err = tx.SigningKeys()
		return err
	})
	if err == nil {
		err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertSigningKey(keys[0], len(keys)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPrefixHasToBeAnAddressWithASlash(t *testing.T) {
	db := holdfasttest.Open(t, t.TempDir()+"/prefix.db")
	for _, bad := range []string{
		"", "/", "fps.example.com/", "https://fps.example.com", "ftp://fps.example.com/", "https:///",
		"https://fps.example.com/" + strings.Repeat("x", 1024) + "/",
	} {
		if _, err := ipn.LoadSigner(t.Context(), db, bad, holdfasttest.Start); err == nil {
			t.Errorf("prefix %.40q is taken", bad)
		}
	}
}

func TestSign(t *testing.T) {
	s := loadSigner(t, keyedStore(t), holdfasttest.Start)
	params := holdfast.Params{
		{Name: "session", Value: "a b+c"},
		{Name: "tokenID", Value: "K1"},
		{Name: "note", Value: "Grüße*~"},
		{Name: "empty", Value: ""},
	}
	for _, row := range []struct{ verb, endpoint, verifyAt string }{
		{http.MethodGet, "https://shop.example.com/back?session=a%20b%2Bc", "https://shop.example.com/back"},
		{http.MethodPost, "http://Shop.example.com:8080/ipn/", "http://shop.example.com:8080/ipn/"},
		{http.MethodPost, "https://shop.example.com:443", "https://shop.example.com/"},
		{http.MethodGet, "https://shop.example.com/a%20b/%7Eann", "https://shop.example.com/a%20b/~ann"},
	} {
		signed, err := s.Sign(row.verb, row.endpoint, params)
		if err != nil {
			t.Errorf("%s: %v", row.endpoint, err)
			continue
		}
		if strings.Contains(signed.Get("signature"), "\n") {
			t.Errorf("%s: the signature has a line break", row.endpoint)
		}
		raw := signed.Encode()
		if err := holdfast.VerifyMessage(s.Certificates(), row.verb, row.verifyAt, raw); err != nil {
			t.Errorf("%s %s: %v", row.verb, row.verifyAt, err)
		}
		for _, forged := range []struct{ verb, endpoint, raw string }{
			{map[string]string{"GET": "POST", "POST": "GET"}[row.verb], row.verifyAt, raw},
			{row.verb, row.verifyAt + "x", raw},
			{row.verb, row.verifyAt, strings.Replace(raw, "K1", "K2", 1)},
			{row.verb, row.verifyAt, raw + "&more=1"},
		} {
			if holdfast.VerifyMessage(s.Certificates(), forged.verb, forged.endpoint, forged.raw) == nil {
				t.Errorf("%s %s verifies, and was not signed", forged.verb, forged.endpoint)
			}
		}
	}
	for _, taken := range []string{"signature", "Signature", "signatureVersion", "SIGNATUREMETHOD", "certificateUrl"} {
		if _, err := s.Sign(http.MethodGet, "https://shop.example.com/",
			holdfast.Params{{Name: taken, Value: "x"}}); err == nil {
			t.Errorf("a message that has a parameter %s is signed", taken)
		}
	}
	if _, err := s.Sign(http.MethodGet, "/back", params); err == nil {
		t.Error("a message without a host is signed")
	}
}
