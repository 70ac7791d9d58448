package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Commands that write no entry into the audit log.
const (
	reads   = "" // it only reads
	asks    = "" // it asks a server as a caller, and the server logs the request
	serves  = "" // it runs a server, which logs what is asked
	noStore = "" // it uses no store
)

// decided says which entries each command writes into the audit log: see
// [holdfasttest.AuditTrail.Faults] and decision 89. Every test that runs the program
// tests its entries, too.
var decided = map[string]string{
	"approval decline":   "approval.decline",
	"approval list":      reads,
	"audit list":         reads,
	"audit verify":       reads,
	"backup":             "store.backup",
	"bench":              asks,
	"books acknowledge":  "books.acknowledge",
	"books check":        reads,
	"books export":       reads,
	"books hash":         reads,
	"books violations":   reads,
	"calendar revoke":    "calendar.revoke",
	"calendar rotate":    "calendar.rotate",
	"calendar show":      reads,
	"caller create":      "caller.create",
	"caller list":        reads,
	"caller set":         "caller.change",
	"clock advance":      "caller.change",
	"clock reset":        "caller.change",
	"clock show":         reads,
	"completion":         noStore,
	"config":             noStore,
	"demo":               serves,
	"events list":        reads,
	"events tail":        reads,
	"find":               reads,
	"holds due":          reads,
	"holds list":         reads,
	"holds raise":        "hold.raise",
	"holds refund":       "payment.refund ?approval.ask",
	"holds release":      "hold.release",
	"holds remind":       "hold.remind",
	"holds renew":        "hold.renew",
	"holds settle":       "hold.settle ?approval.ask",
	"holds show":         reads,
	"key add":            "key.create",
	"key list":           reads,
	"key revoke":         "key.revoke",
	"key rotate":         "key.rotate",
	"listen":             asks,
	"mail again":         "mail.send_again",
	"mail list":          reads,
	"man":                noStore,
	"migrate":            "store.migrate",
	"network add":        "network.create",
	"network attention":  reads,
	"network check":      reads,
	"network clear":      "network.clear_attention",
	"network disputes":   reads,
	"network events":     reads,
	"network list":       reads,
	"network payment":    reads,
	"network questions":  reads,
	"network reconcile":  "network.reconcile",
	"network remove":     "network.remove",
	"network restored":   "network.restored",
	"network retry":      "network.retry_events",
	"network set":        "network.change",
	"network show":       reads,
	"notification again": "notification.again",
	"notification list":  reads,
	"notification show":  reads,
	"operator create":    "member.invite member.set",
	"operator list":      reads,
	"operator remove":    "member.remove member.withdraw",
	"operator reset":     "factor.reset",
	"party create":       "party.create",
	"party deposit":      "party.deposit",
	"party erase":        "party.erase",
	"party export":       "party.export",
	"party find":         reads,
	"party list":         reads,
	"party password":     "party.change_password",
	"party set":          "party.change",
	"party sign-out":     "party.sign_out",
	"report balances":    reads,
	"report disputes":    reads,
	"report fees":        reads,
	"report refunds":     reads,
	"report settlements": reads,
	"report statement":   reads,
	"restore":            "store.restore ?store.backup ?store.resume", // the file brings the entries of its store
	"resume":             "store.resume",
	"seal keygen":        noStore,
	"seal off":           "store.unseal",
	"seal on":            "store.seal",
	"seal rotate":        "store.reseal",
	"serve":              serves,
	"shop":               serves,
	"sign":               noStore,
	"store copy":         "store.copy store.copy_out",
	"token cancel":       asks,
	"token instruction":  asks,
	"token list":         asks,
	"token show":         asks,
	"token usage":        asks,
	"tx cancel":          asks,
	"tx list":            asks,
	"tx refund":          asks,
	"tx settle":          asks,
	"tx show":            asks,
	"tx status":          asks,
	"version":            noStore,
	"webhook add":        "endpoint.create",
	"webhook deliveries": reads,
	"webhook list":       reads,
	"webhook redeliver":  "endpoint.redeliver",
	"webhook remove":     "endpoint.remove",
	"webhook rotate":     "endpoint.rotate_secret",
	"webhook set":        "endpoint.change",
	"webhook test":       "endpoint.test",
}

// Every command has a decision about its entries.
func TestEveryCommandIsDecided(t *testing.T) {
	var commands []string
	for _, leaf := range newParser(&cli{}, &settings{}, world{}, func(int) {}).Model.Leaves(false) {
		commands = append(commands, commandName(leaf))
	}
	holdfasttest.WantDecided(t, "command", commands, decided)
}

// commandName is the path of a command, such as "party export".
func commandName(node *kong.Node) string {
	return strings.TrimSpace(strings.ReplaceAll(slashPath(node), "/", " "))
}

// trailFolder names the environment's variable with the folder into which the program
// writes what it has logged, while tests run it.
const trailFolder = "HOLDFAST_TEST_TRAIL"

// A doneCommand is a command that a test has carried out.
type doneCommand struct {
	Name    string
	Actions []party.AuditAction
}

// trailed runs the tests, and compares what the program writes into the audit log in
// them with the decisions.
type trailed struct{ *testing.M }

// Run is testscript's.
func (t trailed) Run() (code int) {
	dir, err := os.MkdirTemp("", "holdfast-trail-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv(trailFolder, dir)
	return trail.Run(commandTests{t.M, dir}, decided)
}

// trail is what commands in tests have written into the audit log.
var trail holdfasttest.AuditTrail

// commandTests read what the program has written into a folder, when all tests have run.
type commandTests struct {
	*testing.M
	dir string
}

func (t commandTests) Run() (code int) {
	code = t.M.Run()
	files, err := filepath.Glob(filepath.Join(t.dir, "*"))
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		var done doneCommand
		if err := json.Unmarshal(text, &done); err != nil {
			panic(err)
		}
		trail.Note(done.Name, done.Actions...)
	}
	return code
}

// audited runs the program, and notes what it has written into the audit log.
func audited() {
	dir := os.Getenv(trailFolder)
	if dir == "" {
		main()
	}
	began := time.Now()
	code := start()
	name, files := chosenStores()
	if name != "" && code == exitFine {
		if running[name] {
			files = nil
		}
		text, err := json.Marshal(doneCommand{Name: name, Actions: loggedSince(began, files)})
		if err == nil {
			err = writeTrail(dir, text)
		}
		if err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// running are commands that run while others write into the same store.
var running = map[string]bool{
	"bench": true, "demo": true, "events tail": true, "listen": true, "serve": true, "shop": true,
}

func writeTrail(dir string, text []byte) error {
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Close()
}

// chosenStores is the command of the process, and the SQLite files that its flags name.
func chosenStores() (name string, files []string) {
	var c cli
	var fromFile settings
	exited := false
	parser := newParser(&c, &fromFile, world{Out: io.Discard, Err: io.Discard, Now: time.Now}, func(int) { exited = true })
	parsed, err := parser.Parse(meant(parser.Model.Node, os.Args[1:]))
	if exited || err != nil {
		return "", nil
	}
	for _, f := range flagsOf(parsed.Selected()) {
		value := f.Target.String()
		switch f.Name {
		case "data":
			value = filepath.Join(value, serverFile)
		case "store", "from", "to":
			value = strings.TrimPrefix(value, "sqlite:")
		default:
			continue
		}
		if _, err := os.Stat(value); err == nil {
			files = append(files, value)
		}
	}
	return commandName(parsed.Selected()), files
}

// loggedSince reads the actions of commands since a time.
func loggedSince(began time.Time, files []string) (actions []party.AuditAction) {
	for _, file := range files {
		db, err := engine.LookAtSQLite(file)
		if err != nil {
			continue
		}
		actions = append(actions, actionsSince(db, began)...)
		db.Close()
	}
	return actions
}

func actionsSince(db *sql.DB, began time.Time) (actions []party.AuditAction) {
	rows, err := db.QueryContext(context.Background(), `
		SELECT action FROM audit_waiting WHERE actor_kind = 'command' AND at >= $1
		UNION ALL SELECT action FROM audit_log WHERE actor_kind = 'command' AND at >= $1`, began.UnixMicro())
	if err != nil {
		return nil // no store
	}
	defer rows.Close()
	for rows.Next() {
		var action party.AuditAction
		if err := rows.Scan(&action); err != nil {
			panic(err)
		}
		actions = append(actions, action)
	}
	if err := rows.Err(); err != nil {
		panic(err)
	}
	return actions
}
