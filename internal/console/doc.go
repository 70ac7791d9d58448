// Package console is the door for operators and for the people of a caller: the
// pages on which they see where money is and act on it.
//
// A signed-in party sees a page if it is a member (party.Membership) whose role has
// the page's permission. The address of a page names the caller that it is about,
// so no page depends on a choice that was made earlier:
//
//	/console/                   the callers of the member
//	/console/c/CALLER/PATH      a page of one caller
//	/console/server/PATH        a page of the whole server
//	/console/PATH               a page of the member itself
//
// # How to add a page
//
// Write one file for the page's noun, such as keys.go. It has the routes and the
// functions that show them:
//
//	func (s *Server) keyRoutes() []route {
//		return []route{
//			{Method: get, Path: "keys", In: ofCaller, Permission: party.MayManageKeys, Nav: "console.keys.nav",
//				show: s.showKeys},
//			{Method: get, Path: "keys/{key}/revoke", In: ofCaller, Permission: party.MayManageKeys, show: s.askRevoke},
//			{Method: post, Path: "keys/{key}/revoke", In: ofCaller, Permission: party.MayManageKeys, show: s.revoke},
//		}
//	}
//
// Then add s.keyRoutes to the list in Server.routes. The order of that list is the
// order of the navigation; a route with Nav has a link there for each member that
// has its permission. The guard checks session, membership and permission before
// show runs. It answers alike (404) for a caller that does not exist and for one
// that the member does not belong to. A page does the same for objects: it returns
// errNotThere, or lets the processor's refusal through.
//
// A function that shows a page reads with s.Store.View, asks the processor for every
// change, and returns s.render(c, page{…}). The types in page.go are the parts of a
// page: figures, facts, a table, a form, a chart. c.caller is the caller, c.now() its
// time, c.r.PathValue the rest of the path, c.form the parameters, and c.words the
// words. Two helpers are for lists:
//
//   - c.link(path, pairs…) is the address of a page of the same caller or of the server.
//   - c.same(pairs…) is the address of this page with some parameters replaced, for
//     filters and for the links to older and newer rows. Lists are paged by a key: a
//     page reads one row more than it shows, and Older begins after the last one.
//
// An action has a page that asks and a form that acts. The GET route returns
// s.confirm(c, http.StatusOK, confirmation{…}); its form has a random key. The POST
// route reads the key with c.once(). It must pass the key on as the idempotency key of
// the action, so that a double click acts once. It ends with c.did("console.done.x",
// address): the next page then shows that message. If the input is wrong, it returns
// the confirmation again with the status 422 and the form's errors.
//
// Words are in internal/webui/words. A message cannot be called id, description or
// other (go-i18n reserves these). A page may have a catalogue of its own:
// console-keys.en.json, console-keys.de.json and console-keys.es.json. Messages that
// c.did shows are below "console.done".
//
// Every page needs a test here, for each role, and one in tests/browser/console_test.go,
// which walks all routes: a page that no test inspects fails the run.
package console
