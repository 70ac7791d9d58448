// Package engine runs functions in database transactions, many in one commit.
// It knows no table: package store describes its tables to it.
//
// A durable commit costs the same, however much is in it. So the engine puts up
// to 256 waiting functions into one commit, and reads and writes their rows
// together. Each function is still written as if it ran alone, and the result is
// as if all had run one after the other.
//
// # The parts
//
// A [Work] is one function that waits for its commit: an action of the server.
// It reads a row by its key through a [Source]. It writes a row through a
// [Change], which its source makes, or through a [NewRow]. It adds to a
// [Counter]. Any other statement runs through [Tx.Run] and the methods built on
// it. The [Committer] queues Works. A writer takes those that wait as a group,
// runs them in rounds, commits, and answers. PostgreSQL has a second writer, for
// when many wait. A view only reads, and takes no part in any of this.
//
// In the code, a strand is one run of one Work. A session is the transaction as
// the database has it. A transaction is what the engine knows of it: the rows that
// the Works have read, and the statements that wait to be sent.
//
// # Three Works in one commit
//
// The Works A and B each reserve one apple, and C reserves one pear:
//
//	func(tx *engine.Tx) error {
//		fruit, _, err := fruits.Get(tx, "apple") // C: "pear"
//		if err != nil {
//			return err
//		}
//		return setFruit.Write(tx, "apple", fruit.stock-1, "apple")
//	}
//
// All three have come while the commit before was under way.
//
//  1. The writer takes A, B and C as a group and starts round one. Each Work is a
//     coroutine. A runs until Get wants the apples and waits; so does B. C wants
//     the pears and waits.
//  2. All three wait, so the round reads the two rows. PostgreSQL gets the
//     beginning of the transaction and the query in one round trip. A and B see
//     9 apples, and C sees 5 pears.
//  3. Each Work goes on to its end. Write sends nothing; it keeps the change. A
//     has kept 8 apples, B also 8, C 4 pears.
//  4. All have ended, so the round decides, in the order of the group. A is done.
//     B has read a row that A writes, so it has to run again: what it kept is
//     forgotten. C has read nothing that A writes, so it is done. The changes of A
//     and C are one statement, which waits to be sent.
//  5. Round two has B alone. Its Get sends the waiting statement and the query in
//     one round trip. B sees 8 apples and keeps 7.
//  6. No Work is left. The last round trip takes B's change, the locks, and the
//     commit. PostgreSQL skips what follows a statement that fails, and a change
//     of a wrong number of rows fails, so a wrong group is not committed.
//  7. The writer answers A, B and C. Each is durable.
//
// One commit and three round trips do what takes three commits and six round
// trips if each Work is committed alone. Two tests run this example:
// TestThreeWorksTwoOfWhichWantTheSameRow and TestRoundTrips.
//
// # What else can happen
//
// A Work that runs any other statement leaves its round, because the round does
// not know which rows the statement touches. It runs by itself after the rounds,
// in the same transaction, behind a savepoint. Its methods return an error that
// makes it end, and its outcome is ignored. Works that are left after four
// rounds run by themselves, too.
//
// A Work that returns an error or panics is done: what it kept is forgotten, and
// it gets its error. If a statement for many rows fails, nobody knows whose row
// was wrong. So the group runs again, one Work after the other, each write sent
// at once behind a savepoint. Then only the Work at fault fails.
//
// On PostgreSQL, other servers and the other writer change rows, too. Rows that
// a Work read and nobody in the group writes are locked with the last
// statements; see locks.go. If one has changed meanwhile, PostgreSQL refuses.
// The group runs again with fresh reads, after three conflicts in halves. A Work
// that still conflicts by itself after twenty runs gets [ErrBusy].
//
// If the answer to a commit is lost, nobody knows whether it has happened. The
// group gets [ErrUnreachable] and does not run again. Works of a group whose
// disk is full get [ErrNoSpace].
//
// # Rules for the authors of Works
//
// The engine enforces these rules:
//
//   - A source and its changes name a row by the same key: the source makes them.
//   - A row without a key is written only through a NewRow.
//   - Update, Complete and Background on the goroutine of a Work fail with [ErrNested].
//   - A Work that depends on the absence of a row of a source adds the row, or the
//     source says in MayAppear why it need not. Otherwise the Work fails.
//   - A Work that ignores the failure of a statement fails.
//
// Nothing enforces these:
//
//	┌──────────────────────────────────────────────────────────────────────────┐
//	│ 1. A Work may run several times. It changes nothing outside its          │
//	│    transaction, except results that each run sets again. It asks nobody  │
//	│    outside the database.                                                 │
//	│ 2. A decision changes or locks every row that it depends on. Rows that a │
//	│    query returned are locked. So if a decision depends on what a query   │
//	│    did not return, or on rows that a statement reads only in order to    │
//	│    write (such as those of a subquery in an UPDATE), both Works that     │
//	│    could meet write one other row.                                       │
//	│ 3. A NewRow is right only for a row that no other Work can know yet,     │
//	│    such as a new row of a history.                                       │
//	│ 4. A row that several sources know by different keys is written with all │
//	│    of them: [Change.WriteAlso].                                          │
//	│ 5. The reasons given to [Tx.Unlocked], and to Unlocked and MayAppear of  │
//	│    a source, are true.                                                   │
//	└──────────────────────────────────────────────────────────────────────────┘
package engine
