// Package store keeps all data of the server in SQLite or PostgreSQL. Both run
// the same SQL text; dialect.go has the few differences.
//
// An action is a function that [DB.Update], [DB.Complete] or [DB.Background]
// runs in a transaction. The committer takes up to 256 waiting actions as one
// group and commits them in one transaction. The actions of a group run side by
// side in rounds: they read rows by key through a source and write them as
// changes. An action that read or wrote a row which an earlier action of the
// group writes runs again in the next round. So all answers are as if the
// actions had run one after the other.
//
// On PostgreSQL, other servers write to the same database. A decision must
// therefore change or lock each row that it depends on. The store locks the rows
// that an action reads and does not write; see rests.go.
//
// # Rules that nothing enforces
//
// No type and no test catches an action, source or change that breaks one of
// these rules:
//
//  1. An action may run several times. It changes nothing outside its
//     transaction, except results that each run sets again.
//  2. An action calls no Update, Complete or Background of its own store. The
//     inner call would wait for the committer, which waits for the action.
//  3. A source and the changes of the same table name a row by the same key
//     type. Each table has a key type of its own. A round compares the keys to
//     find actions that touch the same row.
//  4. A change with a nil key is invisible to the other actions of its group.
//     A nil key is right only for a row that no other action can know yet, such
//     as a new row of a history.
//  5. Only rows that a query returned are locked. If a decision depends on a
//     row's absence, the action adds the row, and a unique key refuses it to a
//     second action. Or both actions write one other row. The store checks this
//     for sources only.
//  6. Rows that a statement reads only in order to write, such as those of a
//     subquery in an UPDATE, are not locked.
//  7. The reasons given to [ReadTx.Unlocked], and to the fields unlocked and
//     appears of a source, must be true.
package store
