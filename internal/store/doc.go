// Package store keeps all data of the server in SQLite or PostgreSQL. Both run
// the same SQL text; dialect.go has the few differences.
//
// Each file has one table or a few that belong together: how its rows are read,
// and the changes that write them. An action is a function that [DB.Update],
// [DB.Complete] or [DB.Background] runs in a transaction, together with others.
// Package engine runs it. The comment of that package walks through a commit and
// has the rules for authors of actions.
package store
