package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// keyRoutes are the pages of a caller's keys of both kinds.
func (s *Server) keyRoutes() []route {
	const may = party.MayManageKeys
	return []route{
		{Method: get, Path: "keys", In: ofCaller, Permission: may, Nav: "console.keys.nav", show: s.showKeys},
		{Method: get, Path: "keys/new", In: ofCaller, Permission: may, show: s.askNewKey},
		{Method: post, Path: "keys/new", In: ofCaller, Permission: may, show: s.addKey},
		{Method: get, Path: "keys/{key}/rotate", In: ofCaller, Permission: may, show: s.askRotateKey},
		{Method: post, Path: "keys/{key}/rotate", In: ofCaller, Permission: may, show: s.rotateKey},
		{Method: get, Path: "keys/{key}/revoke", In: ofCaller, Permission: may, show: s.askRevokeKey},
		{Method: post, Path: "keys/{key}/revoke", In: ofCaller, Permission: may, show: s.revokeKey},
	}
}

// A keyView is a key of either kind.
type keyView struct {
	id, name                   string
	kind                       party.KeyKind
	state                      party.KeyState
	scopes                     party.Scopes
	holdLimit, dayLimit        money.Amount
	created, expires, lastUsed time.Time
	replacedBy                 string
}

func viewAccessKey(k party.AccessKey, real time.Time) keyView {
	return keyView{
		id: k.ID, name: k.Name, kind: party.KindAccess, state: k.State(real), created: k.Created, expires: k.Expires,
		lastUsed: k.LastUsed, replacedBy: k.ReplacedBy,
	}
}

func viewJSONKey(k party.JSONKey, real time.Time) keyView {
	return keyView{
		id: string(k.ID), name: k.Name, kind: party.KindJSON, state: k.State(real), scopes: k.Scopes,
		holdLimit: k.HoldLimit, dayLimit: k.DayLimit, created: k.Created, expires: k.Expires, lastUsed: k.LastUsed,
		replacedBy: string(k.ReplacedBy),
	}
}

// mayRotate reports whether the visitor may make a key with the rights of another.
func (c *call) mayRotate(k keyView) bool {
	if k.kind == party.KindAccess {
		return c.mayGrant(party.AllScopes...)
	}
	return c.mayGrant(k.scopes.List()...)
}

func (k keyView) works() bool { return k.state == party.KeyActive || k.state == party.KeyReplaced }

// keysOf reads the keys of the page's caller: those that work first, then the others,
// the newest first.
func (s *Server) keysOf(c *call) (keys []keyView, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		var all []keyView
		signing, err := tx.AccessKeysOf(c.caller.ID)
		if err != nil {
			return err
		}
		for _, k := range signing {
			all = append(all, viewAccessKey(k, c.real))
		}
		bearer, err := tx.JSONKeysOf(c.caller.ID)
		if err != nil {
			return err
		}
		for _, k := range bearer {
			all = append(all, viewJSONKey(k, c.real))
		}
		keys = nil
		for _, works := range []bool{true, false} {
			for i := len(all) - 1; i >= 0; i-- {
				if all[i].works() == works {
					keys = append(keys, all[i])
				}
			}
		}
		return nil
	})
	return keys, err
}

// keyOf reads the key that the path names. A key of another caller is not there.
func (s *Server) keyOf(c *call) (keyView, error) {
	keys, err := s.keysOf(c)
	if err != nil {
		return keyView{}, err
	}
	for _, k := range keys {
		if k.id == c.r.PathValue("key") {
			return k, nil
		}
	}
	return keyView{}, errNotThere
}

// keysShown is how many keys a page shows.
const keysShown = 200

func (s *Server) showKeys(c *call) error {
	keys, err := s.keysOf(c)
	if err != nil {
		return err
	}
	w := c.words
	t := &table{
		Caption: w.T("console.keys.heading"), Empty: w.T("console.keys.none"),
		Columns: []column{
			{Label: w.T("console.keys.name")},
			{Label: w.T("console.keys.kind")},
			{Label: w.T("console.keys.state")},
			{Label: w.T("console.keys.rights")},
			{Label: w.T("console.keys.expires")},
			{Label: w.T("console.keys.last-used")},
			{Label: w.T("console.actions"), Shape: acts},
		},
	}
	for _, k := range keys[:min(len(keys), keysShown)] {
		t.Rows = append(t.Rows, keyRow(c, k))
	}
	if len(keys) > keysShown {
		t.Count = w.T("console.callers.more", "Shown", w.Count(keysShown), "All", w.Count(int64(len(keys))))
	}
	links := []link{{Label: w.T("console.keys.add-json"), Address: c.link("keys/new", "kind", string(party.KindJSON))}}
	if c.mayGrant(party.AllScopes...) {
		links = append(links, link{
			Label: w.T("console.keys.add-access"), Address: c.link("keys/new", "kind", string(party.KindAccess)),
		})
	}
	return s.render(c, page{
		Heading: w.T("console.keys.heading"), Lead: w.T("console.keys.lead"),
		Links:  links,
		Blocks: []block{{Wide: true, Table: t}},
	})
}

func keyRow(c *call, k keyView) tableRow {
	w := c.words
	row := tableRow{Cells: []cell{
		{Text: k.name, Detail: k.id},
		text(keyKindWord(w, k.kind)), state(keyChip(w, k.state)), rightsCell(w, k),
		momentOr(k.expires, w.T("console.keys.never")), momentOr(k.lastUsed, w.T("console.keys.unused")),
		{},
	}}
	last := &row.Cells[len(row.Cells)-1]
	if k.state == party.KeyActive && c.mayRotate(k) {
		last.Links = append(last.Links, link{
			Label: w.T("console.keys.rotate"), Of: k.name, Address: c.link("keys/" + k.id + "/rotate"),
		})
	}
	if k.works() {
		last.Links = append(last.Links,
			link{Label: w.T("console.keys.revoke"), Of: k.name, Address: c.link("keys/" + k.id + "/revoke"), Danger: true})
	}
	return row
}

// momentOr is a time, or a word where there is none.
func momentOr(t time.Time, otherwise string) cell {
	if t.IsZero() {
		return text(otherwise)
	}
	return moment(t)
}

func keyKindWord(w webui.Words, k party.KeyKind) string {
	if k == party.KindAccess {
		return w.T("console.keys.access")
	}
	return w.T("console.keys.json")
}

func keyChip(w webui.Words, s party.KeyState) chip {
	switch s {
	case party.KeyActive:
		return chip{w.T("console.keys.active"), good}
	case party.KeyReplaced:
		return chip{w.T("console.keys.replaced"), wait}
	case party.KeyExpired:
		return chip{w.T("console.keys.expired"), quiet}
	case party.KeyRevoked:
	}
	return chip{w.T("console.keys.revoked"), quiet}
}

// rightsCell says what a key may do.
func rightsCell(w webui.Words, k keyView) cell {
	if k.kind == party.KindAccess {
		return text(w.T("console.keys.all-fps"))
	}
	said := cell{Text: string(k.scopes)}
	var limits []string
	if k.holdLimit.Positive() {
		limits = append(limits, w.T("console.keys.per-hold", "Amount", w.Dollars(k.holdLimit)))
	}
	if k.dayLimit.Positive() {
		limits = append(limits, w.T("console.keys.per-day", "Amount", w.Dollars(k.dayLimit)))
	}
	said.Detail = strings.Join(limits, ", ")
	return said
}

// showNewKey shows the secret of a new key, which is shown only here.
func (s *Server) showNewKey(c *call, k keyView, secret, note string) error {
	w := c.words
	label := w.T("console.keys.key")
	if k.kind == party.KindAccess {
		label = w.T("console.keys.secret")
	}
	return s.render(c, page{
		Heading: w.T("console.keys.made", "Name", k.name), Up: c.upToKeys(), Alert: w.T("console.keys.once"),
		Blocks: []block{
			{
				Facts: []fact{
					factOf(w.T("console.keys.name"), k.name), factOf(w.T("console.keys.key-id"), k.id),
					factOf(w.T("console.keys.kind"), keyKindWord(w, k.kind)),
					{w.T("console.keys.rights"), rightsCell(w, k)},
					{w.T("console.keys.expires"), momentOr(k.expires, w.T("console.keys.never"))},
				},
				Note: note,
			},
			{Heading: label, Pre: secret, Links: []link{{Label: w.T("console.back"), Address: c.link("keys")}}},
		},
	})
}

// keyFacts describe a key before something is done to it.
func keyFacts(w webui.Words, k keyView) []fact {
	return []fact{
		factOf(w.T("console.keys.name"), k.name), factOf(w.T("console.keys.key-id"), k.id),
		factOf(w.T("console.keys.kind"), keyKindWord(w, k.kind)),
		{w.T("console.keys.rights"), rightsCell(w, k)},
		{w.T("console.keys.last-used"), momentOr(k.lastUsed, w.T("console.keys.unused"))},
	}
}

// overlaps are the choices of how long an old key or secret works on, in hours.
var overlaps = []int{24, 1, 168, 0}

func overlapField(w webui.Words) webui.Field {
	options := hourOptions(overlaps, func(d time.Duration) string {
		if d == 0 {
			return w.T("console.keys.overlap-none")
		}
		return span(w, d)
	})
	return webui.Field{
		Name: "overlap", Label: w.T("console.keys.overlap"), Hint: w.T("console.keys.overlap-hint"), Options: options,
	}
}

// overlap reads the choice of an overlap.
func (c *call) overlap() (time.Duration, error) {
	overlap, ok := readHours(overlaps, c.form.Get("overlap"))
	if !ok {
		return 0, webui.NewBadForm("the overlap is none of the choices")
	}
	return overlap, nil
}

func (s *Server) askRotateKey(c *call) error {
	k, err := s.keyOf(c)
	if err != nil {
		return err
	}
	if !c.mayRotate(k) {
		return errForbidden
	}
	return s.rotateKeyPage(c, http.StatusOK, k, "")
}

// cannotRotate says why a key cannot be rotated. After a double click, it names the
// key whose secret was not seen.
func (s *Server) cannotRotate(c *call) error {
	k, err := s.keyOf(c)
	if err != nil {
		return err
	}
	problem := c.words.T("console.keys.not-active")
	if k.replacedBy != "" {
		problem = c.words.T("console.keys.replaced-by", "ID", k.replacedBy)
	}
	return s.rotateKeyPage(c, http.StatusConflict, k, problem)
}

func (s *Server) rotateKeyPage(c *call, status int, k keyView, problem string) error {
	w := c.words
	return s.confirm(c, status, confirmation{
		Heading: w.T("console.keys.rotate-heading", "Name", k.name), Lead: w.T("console.keys.rotate-lead"),
		Up: c.upToKeys(), Chip: keyChip(w, k.state), Facts: keyFacts(w, k), Problem: problem,
		Form: webui.Form{Submit: w.T("console.keys.rotate"), Fields: []webui.Field{overlapField(w)}},
	})
}

func (s *Server) rotateKey(c *call) error {
	k, err := s.keyOf(c)
	if err != nil {
		return err
	}
	overlap, err := c.overlap()
	if err != nil {
		return err
	}
	if !c.mayRotate(k) {
		return errForbidden
	}
	if k.state != party.KeyActive {
		return s.cannotRotate(c)
	}
	var made keyView
	var secret string
	var ends time.Time
	if k.kind == party.KindAccess {
		var old, key party.AccessKey
		old, key, err = s.Processor.RotateAccessKey(c.r.Context(), k.id, overlap)
		made, secret, ends = viewAccessKey(key, c.real), string(key.Secret.Reveal()), old.Expires
	} else {
		var old, key party.JSONKey
		old, key, secret, err = s.Processor.RotateKey(c.r.Context(), party.JSONKeyID(k.id), overlap)
		made, ends = viewJSONKey(key, c.real), old.Expires
	}
	if refused, ok := errors.AsType[*holdfast.Error](err); ok && refused.Code != holdfast.InternalError {
		// Somebody else was quicker.
		return s.cannotRotate(c)
	}
	if err != nil {
		return err
	}
	return s.showNewKey(c, made, secret,
		c.words.T("console.keys.old-until", "ID", k.id, "Time", c.minute(ends)))
}

func (s *Server) askRevokeKey(c *call) error {
	k, err := s.keyOf(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.keys.revoke-heading", "Name", k.name), Lead: w.T("console.keys.revoke-lead"),
		Up: c.upToKeys(), Chip: keyChip(w, k.state), Facts: keyFacts(w, k), Note: w.T("console.keys.revoke-note"),
		Form: webui.Form{Submit: w.T("console.keys.revoke")}, Danger: true,
	})
}

// revokeKey ends a key. It is the same for a key that was revoked already.
func (s *Server) revokeKey(c *call) error {
	k, err := s.keyOf(c)
	if err != nil {
		return err
	}
	if k.kind == party.KindAccess {
		_, err = s.Processor.RevokeAccessKey(c.r.Context(), k.id)
	} else {
		_, err = s.Processor.RevokeKey(c.r.Context(), party.JSONKeyID(k.id))
	}
	if err != nil {
		return err
	}
	return c.did("console.done.key-revoked", c.link("keys"))
}
