package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A listed file has a mode and an owner.
type listed struct {
	fs.FileInfo
	mode  fs.FileMode
	owner uint32
}

func (l listed) Mode() fs.FileMode { return l.mode }
func (l listed) Sys() any          { return &syscall.Stat_t{Uid: l.owner} }

func TestModesOfSecretFiles(t *testing.T) {
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "key"), nil, 0o440); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(t.TempDir(), "linked")
	if err := os.Symlink(filepath.Join(credentials, "key"), linked); err != nil {
		t.Fatal(err)
	}
	const root, me = 0, 1000
	for name, row := range map[string]struct {
		path        string
		mode        fs.FileMode
		owner       uint32
		user        int
		credentials string
		want        string // empty where the file is taken
	}{
		"mine alone":      {"k", 0o600, me, me, "", ""},
		"mine, read only": {"k", 0o400, me, me, "", ""},
		"mine and my group's": {
			"k", 0o640, me, me, "",
			"its mode 0640 lets other users of this machine at it; run chmod 600 k",
		},
		"mine, group may write": {"k", 0o620, me, me, "", "chmod 600"},
		"everybody's": {
			"my key", 0o644, me, me, "",
			"there is a secret in my key, and its mode 0644 lets other users of this machine at it; run chmod 600 'my key'",
		},
		"root's, for my group":   {"k", 0o640, root, me, "", ""},
		"root's, for everybody":  {"k", 0o644, root, me, "", "run, as root, chmod 640 k"},
		"root's, and I am root":  {"k", 0o440, root, root, "", "chmod 600 k"},
		"a pipe":                 {"k", fs.ModeNamedPipe | 0o666, me, me, "", ""},
		"a terminal":             {"k", fs.ModeCharDevice | fs.ModeDevice | 0o666, me, me, "", ""},
		"the standard input":     {"/dev/stdin", 0o644, me, me, "", ""},
		"a descriptor":           {"/dev/fd/3", 0o644, me, me, "", ""},
		"a credential":           {filepath.Join(credentials, "key"), 0o440, root, root, credentials, ""},
		"a credential, of mine":  {filepath.Join(credentials, "key"), 0o440, me, me, credentials + "/", ""},
		"a link to a credential": {linked, 0o440, root, root, credentials, ""},
		"a credential for all":   {filepath.Join(credentials, "key"), 0o444, root, root, credentials, "chmod 600"},
		"not a credential":       {filepath.Join(credentials, "..", "key"), 0o440, me, me, credentials, "chmod 600"},
	} {
		err := refuseReadable(row.path, listed{mode: row.mode, owner: row.owner}, row.user, row.credentials)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// Every flag that names a secret file refuses a file that others can read, also
// through a link, and accepts it once they cannot.
func TestFilesWithSecretsAreRefusedWhenOthersReadThem(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "secret"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "s.db")
	for name, args := range map[string][]string{
		"--secret-file": {
			"tx", "list", "--server", "http://127.0.0.1:none/", "--access-key-id", "HF",
			"--secret-file",
		},
		"--secret-file of sign": {"sign", "--url", "not an address", "--secret-file"},
		"--key-file of shop":    {"shop", "--listen", "not an address", "--key-file"},
		"--password-file": {
			"party", "create", "--store", "elsewhere://", "--name", "Ann", "--email",
			"ann@example.test", "--password-file",
		},
		"--password-file of a change": {
			"party", "password", "--store", "elsewhere://", "--email", "ann@example.test",
			"--password-file",
		},
		"--smtp-password-file": {
			"serve", "--listen", freePort, "--store", filepath.Join(dir, "none", "s.db"), "--smtp",
			"smtp://me@127.0.0.1:1", "--mail-from", "pay@example.test", "--smtp-password-file",
		},
		"--seal-key":     {"seal", "on", "--store", at, "--seal-key"},
		"--new-seal-key": {"seal", "rotate", "--store", at, "--new-seal-key"},
		"--tls-cert, --tls-key": {
			"serve", "--listen", freePort, "--store", at, "--public-url", "https://pay.example.test/",
			"--tls-cert", file, "--tls-key",
		},
	} {
		for _, path := range []string{file, link} {
			for mode, refused := range map[os.FileMode]bool{0o644: true, 0o600: false} {
				if err := os.Chmod(file, mode); err != nil {
					t.Fatal(err)
				}
				var said bytes.Buffer
				code := run(t.Context(), append(args[:len(args):len(args)], path), world{Out: &said, Err: &said, Now: time.Now})
				flag, _, _ := strings.Cut(name, " of ")
				told := strings.Contains(said.String(), flag+": there is a secret in "+path+", and its mode 0644")
				if code == 0 || told != refused {
					t.Errorf("%s of mode %o: exit code %d, said %q", name, mode, code, &said)
				}
			}
		}
	}
}
