package https

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files are a certificate with its chain and its key, in PEM. Another program
// may renew them: Run reads the files again and again, and keeps the old
// certificate if the new one cannot be used. Set the fields, then call Load.
type Files struct {
	Cert, Key string // paths
	// CheckKey refuses a key file that others can read; nil accepts every file.
	// Load refuses such a file. If a renewed file is refused, it is used and only
	// logged, because a server without a valid certificate would be worse.
	CheckKey func(path string) error
	Host     string // the public host; a certificate for other hosts is logged
	Now      func() time.Time
	Log      *slog.Logger
	Every    time.Duration // between two reads; zero means 10 s

	loading sync.Mutex
	used    []byte // the files' content when it was last usable
	refused []byte // the unusable content that was last logged
	shown   atomic.Pointer[tls.Certificate]
}

const (
	everyDefault = 10 * time.Second
	fileBytesMax = 1 << 20
)

// Load reads the files for the first time, and fails if they cannot be used. It
// accepts an expired certificate and logs it, because old programs do not check
// the expiry.
func (f *Files) Load() error {
	f.loading.Lock()
	defer f.loading.Unlock()
	if err := f.checkKey(); err != nil {
		return err
	}
	text, pair, err := f.read()
	if err != nil {
		return err
	}
	if err := f.inForce(pair); err != nil {
		f.Log.Warn("clients will refuse the certificate", "file", f.Cert, "error", err)
	}
	f.use(text, pair)
	return nil
}

// Reload reads the files again and uses a new certificate if it is valid.
// Otherwise it keeps the old one and logs the reason once. A renewal may be
// only half written; a later Reload then finds it complete.
func (f *Files) Reload() {
	f.loading.Lock()
	defer f.loading.Unlock()
	text, pair, err := f.read()
	if err == nil && bytes.Equal(text, f.used) {
		return
	}
	if err == nil {
		err = f.inForce(pair)
	}
	if err == nil {
		if err := f.checkKey(); err != nil {
			f.Log.Error("the new key is used, but the next start will refuse it", "error", err)
		}
		f.use(text, pair)
		return
	}
	if f.refused == nil || !bytes.Equal(text, f.refused) {
		f.refused = text
		f.Log.Error("the new certificate cannot be used; the old one is kept", "file", f.Cert, "key", f.Key, "error", err)
	}
}

// Run reloads the files regularly until ctx ends.
func (f *Files) Run(ctx context.Context) {
	every := f.Every
	if every == 0 {
		every = everyDefault
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.Reload()
		}
	}
}

// TLS is the listener's configuration.
func (f *Files) TLS() *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.shown.Load(), nil })
}

// Challenges returns next: certificates from files need no challenges on the
// plain port.
func (f *Files) Challenges(next http.Handler) http.Handler { return next }

func (f *Files) checkKey() error {
	if f.CheckKey == nil {
		return nil
	}
	return f.CheckKey(f.Key)
}

func (f *Files) use(text []byte, pair *tls.Certificate) {
	f.used, f.refused = text, nil
	f.shown.Store(pair)
	f.Log.Info("certificate read", "file", f.Cert, "names", pair.Leaf.DNSNames, "until", pair.Leaf.NotAfter.UTC())
	if err := pair.Leaf.VerifyHostname(f.Host); f.Host != "" && err != nil {
		f.Log.Warn("clients will refuse the certificate at the public address", "file", f.Cert, "error", err)
	}
}

func (f *Files) inForce(pair *tls.Certificate) error {
	switch now := f.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return fmt.Errorf("it expired on %s", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s", pair.Leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// read returns the content of the files, even if it cannot be used.
func (f *Files) read() (text []byte, pair *tls.Certificate, err error) {
	cert, err := readFile(f.Cert)
	if err != nil {
		return []byte{}, nil, fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := readFile(f.Key)
	if err != nil {
		return cert, nil, fmt.Errorf("reading the certificate's key: %w", err)
	}
	text = bytes.Join([][]byte{cert, key}, []byte("\n"))
	both, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return text, nil, fmt.Errorf("reading the certificate %s and its key %s: %w", f.Cert, f.Key, err)
	}
	return text, &both, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, fileBytesMax+1))
	if err == nil && len(text) > fileBytesMax {
		err = errors.New(name + " is too large")
	}
	return text, err
}
