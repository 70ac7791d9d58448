package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A sealVerb encrypts the secrets of a store, so that a copy of the store does
// not reveal them.
type sealVerb struct {
	Keygen sealKeygen `cmd:"" help:"Make a key file."`
	On     sealOn     `cmd:"" help:"Seal the signing keys and access secrets of a store. Stop all servers first."`
	Rotate sealRotate `cmd:"" help:"Seal a sealed store with another key. Stop all servers first."`
	Off    sealOff    `cmd:"" help:"Decrypt the secrets of a sealed store. Stop all servers first."`
}

// sealKeyFlag names the file whose key opens a sealed store.
type sealKeyFlag struct {
	SealKey string `name:"seal-key" help:"Open a sealed store with this key file; see holdfast seal." env:"HOLDFAST_SEAL_KEY" placeholder:"FILE"`
}

// key is nil if no file is named.
func (f sealKeyFlag) key() (*store.SealKey, error) {
	if f.SealKey == "" {
		return nil, nil
	}
	key, err := readSealKey("--seal-key", f.SealKey)
	return &key, err
}

func readSealKey(flag, path string) (key store.SealKey, err error) {
	file, err := openSecret(path)
	if err != nil {
		return key, fmt.Errorf("%s: %w", flag, err)
	}
	defer file.Close()
	if key, err = store.ReadSealKey(file); err != nil {
		return key, fmt.Errorf("%s %s: %w", flag, path, err)
	}
	return key, nil
}

type sealKeygen struct {
	File string `arg:"" help:"Make this file."`
}

func (v sealKeygen) Run(w world) error {
	key, err := store.NewSealKey()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(v.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateMode)
	if err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	_, err = fmt.Fprintf(file, "# created: %s\n# public key: %s\n%s\n", w.Now().UTC().Format(time.RFC3339), key.Name(),
		key.Reveal())
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("making the key file: %w", err)
	}
	fmt.Fprintf(w.Out, "public key  %s\nKeep a copy of %s apart from the store and its backups: a sealed store does not "+
		"open without it.\n", key.Name(), v.File)
	return nil
}

type sealOn struct{ storeFlags }

func (v sealOn) Run(ctx context.Context, w world) error {
	key, err := v.key()
	if err != nil {
		return err
	}
	if key == nil {
		return errors.New("--seal-key: say which key file is to open the store; holdfast seal keygen makes one")
	}
	db, unlock, err := v.openAlone(ctx)
	if errors.Is(err, store.ErrNotSealed) {
		v.SealKey = ""
		db, unlock, err = v.openAlone(ctx)
	}
	if err != nil {
		return err
	}
	defer unlock()
	defer db.Close()
	if err := db.Seal(ctx, *key); err != nil {
		return err
	}
	if err := logDone(ctx, db, w, "store.seal", "", party.Facts{"key": key.Name()}); err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "The store is sealed with the key %s. Start servers and commands with --seal-key.\n", key.Name())
	return nil
}

type sealRotate struct {
	storeFlags
	NewSealKey string `name:"new-seal-key" help:"Seal the store with this key file from now on." required:"" placeholder:"FILE"`
}

func (v sealRotate) Run(ctx context.Context, w world) error {
	key, err := readSealKey("--new-seal-key", v.NewSealKey)
	if err != nil {
		return err
	}
	if v.SealKey == "" {
		return errors.New("--seal-key: say which key file opens the store now")
	}
	db, unlock, err := v.openAlone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer db.Close()
	if err := db.Seal(ctx, key); err != nil {
		return err
	}
	if err := logDone(ctx, db, w, "store.reseal", "", party.Facts{"key": key.Name()}); err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "The store is sealed with the key %s. The old key opens older copies only.\n", key.Name())
	return nil
}

type sealOff struct{ storeFlags }

func (v sealOff) Run(ctx context.Context, w world) error {
	if v.SealKey == "" {
		return errors.New("--seal-key: say which key file opens the store")
	}
	db, unlock, err := v.openAlone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer db.Close()
	if err := db.Unseal(ctx); err != nil {
		return err
	}
	if err := logDone(ctx, db, w, "store.unseal", "", nil); err != nil {
		return err
	}
	fmt.Fprintln(w.Out, "The store is no longer sealed. Start servers and commands without --seal-key.")
	return nil
}

// openAlone opens a store that no server may have open.
func (f storeFlags) openAlone(ctx context.Context) (db *store.DB, unlock func(), err error) {
	address, err := f.address()
	if err != nil {
		return nil, nil, err
	}
	at, err := parseStore(address)
	if err != nil {
		return nil, nil, err
	}
	if unlock, err = lockStore(at); err != nil {
		return nil, nil, err
	}
	if db, err = f.open(ctx); err != nil {
		unlock()
		return nil, nil, err
	}
	return db, unlock, nil
}
