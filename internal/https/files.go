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
// may renew them: what is in the files is looked at again while Run runs, and
// what cannot be used changes nothing. Set the fields, then Load.
type Files struct {
	Cert, Key string // paths
	// CheckKey says what is wrong with who can read the key's file; nil lets all be.
	// Load refuses such a file. Of a renewed one the log tells, since a server
	// without a certificate would be worse.
	CheckKey func(path string) error
	Host     string // that clients come to; the log tells if the certificate is not for it
	Now      func() time.Time
	Log      *slog.Logger
	Every    time.Duration // between looks; zero means 10 s

	loading sync.Mutex
	used    []byte // what the files held when they were last of use
	refused []byte // what they held when the log last said that they are not
	shown   atomic.Pointer[tls.Certificate]
}

const (
	everyDefault = 10 * time.Second
	fileBytesMax = 1 << 20
)

// Load reads the files for the first time, or says what is wrong with them. A
// certificate that has ended is shown all the same, since old programs do not
// look; the log says so.
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

// Reload looks whether the files hold something new, and shows it if it can be
// used. Else it keeps what it has and says why, once: a renewal may be seen half
// done, and is found whole by a later look.
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
			f.Log.Error("the new key is used, and the next start refuses it", "error", err)
		}
		f.use(text, pair)
		return
	}
	if f.refused == nil || !bytes.Equal(text, f.refused) {
		f.refused = text
		f.Log.Error("the new certificate cannot be used, the old one is kept", "file", f.Cert, "key", f.Key, "error", err)
	}
}

// Run looks at the files until ctx ends.
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

// TLS is for the listener.
func (f *Files) TLS() *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.shown.Load(), nil })
}

// Challenges is next: nobody has to be shown anything on the plain port.
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
		return fmt.Errorf("it ended on %s", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return fmt.Errorf("it begins on %s", pair.Leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// read returns what stands in the files, also when it is of no use.
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
