-- +goose Up

-- All tables of the store, for both databases. The file is a template: double braces mark where the two differ, and
-- schema.go says what they stand for. In short:
--
--   BIGINT, BYTEA    are called INTEGER and BLOB on SQLite
--   plain            ends a table
--   byKey            ends a table that grows: SQLite keeps its rows in the order of its key, and nowhere else
--   byKeyFilled 50   the same; PostgreSQL fills a page to 50 % with new rows, so that each can be changed once in its
--                    page. A token gets longer when it is used, hence its 45 %.
--   key "token_id"   the columns caller_id and token_id. SQLite has token_id first: ids grow with time, so a commit
--                    writes the pages at one end of the table. PostgreSQL logs rows, not pages.
--
--   oneOf "x" "A"    the text x is A, or one of the other words. PostgreSQL reads the text of each CHECK again for each
--                    statement, and an array is short. SQLite would make a table of a list each time it checks one.
--
-- Times are microseconds since 1970 (0 is none), amounts are micro-dollars, flags are 0 or 1.
--
-- Two indexes by caller and time have a condition that every row meets. In a new database PostgreSQL knows nothing of
-- its tables, takes all indexes that begin with the caller for equally good, and keeps that plan. An index with a
-- condition is used only by a query that repeats it, so rows are found by their keys.

-- Buyers, sellers and operators. email_key is the address as it is compared; a guest, who cannot sign in, has another
-- text there. verify_by is until when a newcomer may pay with an address that is not proved; 0 where nobody waits for
-- it. A guest without a token is forgotten then. Limits are per month; 0 is none.
CREATE TABLE parties (
	party_id        TEXT   NOT NULL PRIMARY KEY,
	name            TEXT   NOT NULL,
	email           TEXT   NOT NULL,
	email_key       TEXT   NOT NULL UNIQUE,
	email_verified  BIGINT NOT NULL,
	verify_by       BIGINT NOT NULL,
	password_hash   TEXT   NOT NULL,
	standing        TEXT   NOT NULL CHECK (standing IN ('Active', 'Suspended', 'Closed')),
	business        BIGINT NOT NULL,
	verified        BIGINT NOT NULL,
	sending_limit   BIGINT NOT NULL,
	receiving_limit BIGINT NOT NULL,
	language        TEXT   NOT NULL,
	guest           BIGINT NOT NULL,
	created         BIGINT NOT NULL
) {{plain}};
CREATE INDEX parties_to_forget ON parties (verify_by) WHERE guest = 1 AND verify_by > 0;
CREATE INDEX guests_by_email ON parties (lower(email), party_id) WHERE guest = 1;

-- Programs that use the API, with their settings. network is the account at a card network, or empty for the sandbox.
-- wait is how long an answer waits for the network, in microseconds; 0 is the server's choice. guest_limit is what guests
-- may pay with one card in a month; 0 is no limit. warnings are the times before the deadline of a hold at which the
-- caller is warned, such as '48h,1h', and warning_mails says whether by mail, too. buyer_mails says that senders get
-- receipts by mail. clock_offset moves a sandbox caller's clock, in microseconds. stopped is since when the caller may not
-- move money, because of a row in book_violations that nobody has acknowledged; 0 is no stop. events says that changes of
-- the caller's objects are written into the table events.
CREATE TABLE callers (
	caller_id       TEXT   NOT NULL PRIMARY KEY,
	owner           TEXT   NOT NULL,
	name            TEXT   NOT NULL,
	descriptor      TEXT   NOT NULL,
	ipn_url         TEXT   NOT NULL,
	zone            TEXT   NOT NULL,
	bare_return     BIGINT NOT NULL,
	pending_first   BIGINT NOT NULL,
	pending_notice  BIGINT NOT NULL,
	signature_v1    BIGINT NOT NULL,
	marketplace     BIGINT NOT NULL,
	resume          BIGINT NOT NULL,
	reuse_cancelled BIGINT NOT NULL,
	return_schemes  TEXT   NOT NULL,
	network         TEXT   NOT NULL,
	wait            BIGINT NOT NULL CHECK (wait >= 0),
	hold_on_page    BIGINT NOT NULL,
	guests          BIGINT NOT NULL,
	guest_limit     BIGINT NOT NULL CHECK (guest_limit >= 0),
	approve_above   BIGINT NOT NULL CHECK (approve_above >= 0),
	warnings        TEXT   NOT NULL,
	warning_mails   BIGINT NOT NULL,
	buyer_mails     BIGINT NOT NULL,
	sandbox         BIGINT NOT NULL,
	clock_offset    BIGINT NOT NULL,
	stopped         BIGINT NOT NULL,
	events          BIGINT NOT NULL,
	created         BIGINT NOT NULL,
	CHECK (sandbox = 1 AND network = '' OR clock_offset = 0)
) {{plain}};
CREATE INDEX callers_by_owner ON callers (owner, created, caller_id);
CREATE INDEX callers_by_name ON callers (lower(name), caller_id);

-- Keys that sign a caller's requests. replaced_by is the key that a rotation has made in place of this one. expires and
-- revoked are real times, 0 for never. last_used is exact to a minute.
CREATE TABLE access_keys (
	access_key_id TEXT   NOT NULL PRIMARY KEY,
	secret        BYTEA  NOT NULL,
	caller_id     TEXT   NOT NULL,
	name          TEXT   NOT NULL,
	replaced_by   TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	expires       BIGINT NOT NULL,
	revoked       BIGINT NOT NULL,
	last_used     BIGINT NOT NULL
) {{plain}};
CREATE INDEX access_keys_of_caller ON access_keys (caller_id);

-- Bearer keys for the JSON API. hash is the SHA-256 of a key's text, which is not kept. scopes has blanks between its
-- words. hold_limit and day_limit are 0 for no limit. chain is the first key of a chain of rotations, and replaced_by the
-- key that a rotation has made in place of this one. expires and revoked are real times.
CREATE TABLE json_keys (
	key_id      TEXT   NOT NULL PRIMARY KEY,
	caller_id   TEXT   NOT NULL,
	hash        BYTEA  NOT NULL,
	name        TEXT   NOT NULL,
	scopes      TEXT   NOT NULL CHECK (scopes <> ''),
	hold_limit  BIGINT NOT NULL CHECK (hold_limit >= 0),
	day_limit   BIGINT NOT NULL CHECK (day_limit >= 0),
	chain       TEXT   NOT NULL,
	replaced_by TEXT   NOT NULL,
	created     BIGINT NOT NULL,
	expires     BIGINT NOT NULL,
	revoked     BIGINT NOT NULL,
	last_used   BIGINT NOT NULL
) {{plain}};
CREATE INDEX json_keys_of_caller ON json_keys (caller_id);

-- What the keys of a chain have held, settled or refunded in a day of the caller's time. Only keys with a day limit have
-- rows.
CREATE TABLE key_days (
	chain  TEXT   NOT NULL,
	day    BIGINT NOT NULL,
	scope  TEXT   NOT NULL,
	amount BIGINT NOT NULL CHECK (amount >= 0),
	PRIMARY KEY (chain, day, scope)
) {{byKeyFilled 50}};

-- Cards, bank accounts and balances that parties pay with. network_ref is the card network's name for a card, customer
-- its name for the holder, and network the account there (empty in the sandbox). fingerprint is the same for the same
-- card number in one account. unusable is why the network does not take the card any more.
CREATE TABLE instruments (
	party_id      TEXT   NOT NULL,
	instrument_id TEXT   NOT NULL,
	method        TEXT   NOT NULL CHECK (method IN ('CC', 'ACH', 'ABT')),
	brand         TEXT   NOT NULL,
	last4         TEXT   NOT NULL,
	holder        TEXT   NOT NULL,
	expiry_month  BIGINT NOT NULL,
	expiry_year   BIGINT NOT NULL,
	network_ref   TEXT   NOT NULL,
	network       TEXT   NOT NULL,
	customer      TEXT   NOT NULL,
	funding       TEXT   NOT NULL,
	country       TEXT   NOT NULL,
	fingerprint   TEXT   NOT NULL,
	unusable      TEXT   NOT NULL,
	given_in      TEXT   NOT NULL,
	is_default    BIGINT NOT NULL,
	verified      BIGINT NOT NULL,
	removed       BIGINT NOT NULL,
	created       BIGINT NOT NULL,
	PRIMARY KEY (party_id, instrument_id)
) {{plain}};
CREATE INDEX instruments_by_ref ON instruments (network, network_ref) WHERE network <> '';
CREATE INDEX instruments_by_last4 ON instruments (last4, created) WHERE last4 <> '';
CREATE INDEX instruments_present ON instruments (party_id, created, instrument_id) WHERE removed = 0;
CREATE INDEX instruments_removed ON instruments (party_id, created, instrument_id) WHERE removed = 1;

CREATE TABLE addresses (
	party_id   TEXT   NOT NULL,
	address_id TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	line1      TEXT   NOT NULL,
	line2      TEXT   NOT NULL,
	city       TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	zip        TEXT   NOT NULL,
	country    TEXT   NOT NULL,
	phone      TEXT   NOT NULL,
	is_default BIGINT NOT NULL,
	removed    BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	PRIMARY KEY (party_id, address_id)
) {{plain}};

-- A visit is one browser on its way through a pipeline. answer is its result as the return URL spells it. visit_key is
-- known to the browsers that came by the caller's link or signed in. A visit that its caller made with the JSON API has a
-- state in checkout, and a secret in link, which its address ends with; it can be approved until expires, and its pages
-- are in language. These four are empty or 0 for other visits.
CREATE TABLE visits (
	visit_id      TEXT   NOT NULL PRIMARY KEY,
	visit_key     TEXT   NOT NULL,
	caller_id     TEXT   NOT NULL,
	reference     TEXT   NOT NULL,
	params        TEXT   NOT NULL,
	signature_v1  BIGINT NOT NULL,
	party_id      TEXT   NOT NULL,
	instrument_id TEXT   NOT NULL,
	address_id    TEXT   NOT NULL,
	status        TEXT   NOT NULL,
	message       TEXT   NOT NULL,
	answer        TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	ended         BIGINT NOT NULL,
	checkout      TEXT   NOT NULL CHECK ({{oneOf "checkout" "" "Open" "Approved" "Cancelled" "Expired"}}),
	link          TEXT   NOT NULL,
	expires       BIGINT NOT NULL,
	language      TEXT   NOT NULL,
	events        BIGINT,                       -- how many it has; NULL is 0
	CHECK ((checkout = '') = (link = '') AND (checkout = '') = (expires = 0)),
	CHECK (checkout = '' OR (checkout = 'Open') = (ended = 0))
) {{plain}};
CREATE INDEX visits_by_reference ON visits (caller_id, reference);
CREATE INDEX visits_by_party ON visits (party_id, visit_id) WHERE party_id <> '';
CREATE INDEX visits_by_age ON visits (created) WHERE status <> 'A' AND checkout = '';
CREATE UNIQUE INDEX checkouts_by_link ON visits (link) WHERE link <> '';
CREATE INDEX checkouts_of_caller ON visits (caller_id, visit_id) WHERE checkout <> '';
CREATE INDEX checkouts_open ON visits (caller_id, expires) WHERE checkout = 'Open';

-- What senders and recipients have authorised. The columns that change come last.
CREATE TABLE tokens (
	caller_id        TEXT   NOT NULL,
	token_id         TEXT   NOT NULL,
	token_use        TEXT   NOT NULL CHECK ({{oneOf "token_use" "Pay" "Fund" "Settle" "Receive" "Refund" "Call"}}),
	token_type       TEXT   NOT NULL CHECK ({{oneOf "token_type" "SingleUse" "MultiUse" "Recurring" "Unrestricted"}}),
	reference        TEXT   NOT NULL,
	friendly_name    TEXT   NOT NULL,
	reason           TEXT   NOT NULL,
	old_token        TEXT   NOT NULL,
	instruction      TEXT   NOT NULL,
	sender           TEXT   NOT NULL,
	instrument_id    TEXT   NOT NULL,
	method           TEXT   NOT NULL CHECK ({{oneOf "method" "" "CC" "ACH" "ABT" "Prepaid" "Debt"}}),
	aggregate_id     TEXT   NOT NULL,
	amount_type      TEXT   NOT NULL CHECK ({{oneOf "amount_type" "" "Maximum" "Exact" "Minimum"}}),
	period           TEXT   NOT NULL,
	recipient        TEXT   NOT NULL,
	recipients       TEXT   NOT NULL,
	methods          TEXT   NOT NULL,
	refund_token     TEXT   NOT NULL,
	amount           BIGINT NOT NULL CHECK (amount >= 0),
	fee_ceiling      BIGINT,                    -- a flag; NULL is 0 here and in the next three
	fixed_ceiling    BIGINT CHECK (fixed_ceiling >= 0),
	variable_ceiling BIGINT CHECK (variable_ceiling BETWEEN 0 AND 1000000),
	pays_fee         BIGINT,
	installed        BIGINT NOT NULL,
	starts           BIGINT NOT NULL,
	expires          BIGINT NOT NULL,
	cancelled        BIGINT NOT NULL,
	used_by          TEXT   NOT NULL,
	events           BIGINT,                    -- how many it has; NULL is 0
	PRIMARY KEY ({{key "token_id"}}),
	CHECK ((amount = 0) = (amount_type = '')),
	CHECK (sender <> '' OR recipient <> '')
) {{byKeyFilled 45}};
CREATE UNIQUE INDEX tokens_by_reference ON tokens (caller_id, reference) WHERE reference <> '';
CREATE INDEX tokens_by_id ON tokens ({{if sqlite}}caller_id, token_id{{else}}token_id{{end}});
CREATE INDEX tokens_by_expiry ON tokens (caller_id, expires, token_id) WHERE expires > 0;
CREATE INDEX tokens_by_sender ON tokens (sender, installed, token_id) WHERE sender <> '';
CREATE INDEX tokens_by_recipient ON tokens (recipient, installed, token_id) WHERE token_use IN ('Receive', 'Refund');
CREATE INDEX tokens_by_old_token ON tokens (caller_id, old_token) WHERE old_token <> '';
CREATE INDEX tokens_by_aggregate ON tokens (caller_id, aggregate_id) WHERE aggregate_id <> '';

-- A limit of a token, or of a party (its scope is then the mode or the caller): what it allows in each window, and what
-- was used in the present one.
CREATE TABLE usage_limits (
	scope        TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	slot         BIGINT NOT NULL,
	kind         TEXT   NOT NULL CHECK (kind IN ('Count', 'Amount')),
	value        BIGINT NOT NULL CHECK (value >= 0),
	period       TEXT   NOT NULL,
	start        BIGINT NOT NULL,
	window_start BIGINT NOT NULL,
	used_count   BIGINT NOT NULL CHECK (used_count >= 0),
	used_amount  BIGINT NOT NULL CHECK (used_amount >= 0),
	PRIMARY KEY (scope, subject, slot)
) {{byKeyFilled 50}};

-- A prepaid or a credit instrument: what can be spent or is owed, and what is being funded or settled.
CREATE TABLE aggregate_instruments (
	caller_id    TEXT   NOT NULL,
	aggregate_id TEXT   NOT NULL,
	sender       TEXT   NOT NULL,
	recipient    TEXT   NOT NULL,
	method       TEXT   NOT NULL CHECK (method IN ('Prepaid', 'Debt')),
	most         BIGINT NOT NULL CHECK (most > 0),
	installed    BIGINT NOT NULL,
	expires      BIGINT NOT NULL,
	balance      BIGINT NOT NULL CHECK (balance >= 0),
	pending      BIGINT NOT NULL CHECK (pending >= 0),
	PRIMARY KEY (caller_id, aggregate_id),
	CHECK (method <> 'Debt' OR pending <= balance)
) {{plain}};
CREATE INDEX aggregate_instruments_by_id ON aggregate_instruments (aggregate_id);
CREATE INDEX aggregate_instruments_by_sender ON aggregate_instruments (sender);
CREATE INDEX aggregate_instruments_pending ON aggregate_instruments (recipient, method) WHERE pending > 0;
CREATE INDEX aggregate_instruments_over ON aggregate_instruments (caller_id, expires, aggregate_id)
	WHERE method = 'Prepaid' AND balance > 0 AND expires > 0;

-- The first request under a CallerReference: its digest, and the transaction that it made or the refusal that it got.
CREATE TABLE requests (
	caller_id       TEXT   NOT NULL,
	reference       TEXT   NOT NULL,
	digest          BYTEA  NOT NULL,
	received        BIGINT NOT NULL,
	transaction_id  TEXT   NOT NULL,
	refusal_code    TEXT   NOT NULL,
	refusal_message TEXT   NOT NULL,
	PRIMARY KEY (caller_id, reference),
	CHECK ((transaction_id = '') <> (refusal_code = ''))
) {{byKey}};

-- The calls of the JSON API that were carried out, by their idempotency keys. They are kept for good. body is canonical
-- JSON. objects are the ids of what the call made or changed, with blanks between them.
CREATE TABLE calls (
	caller_id   TEXT   NOT NULL,
	idempotency TEXT   NOT NULL,
	action      TEXT   NOT NULL,
	body        TEXT   NOT NULL,
	objects     TEXT   NOT NULL,
	created     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, idempotency)
) {{byKey}};
CREATE INDEX calls_of_checkouts ON calls (objects) WHERE action = 'POST /v1/checkouts';

-- What a caller keeps with an object of the JSON API: a JSON object of texts. Objects without it have no row.
CREATE TABLE metadata (
	caller_id TEXT   NOT NULL,
	object_id TEXT   NOT NULL,
	data      TEXT   NOT NULL,
	PRIMARY KEY ({{key "object_id"}})
) {{byKey}};

-- Movements of money that were asked for, each with its state. The columns that change come last, because PostgreSQL
-- logs only the changed part of a row that stays in its page.
--
-- due is the deadline of an open transaction, else 0. status_code and status_message are NULL for what the state implies
-- (payment.CodeOf, payment.MessageOf). Balances are NULL unless the transaction moved money on them. In the other
-- columns without NOT NULL, NULL is 0: they are nearly always 0, and NULL takes no space. events is how many rows the
-- transaction has in the table events.
--
-- link says how a Reserve changes the hold whose first Reserve is its parent, and is NULL for all others. linked counts
-- the Reserves that belong to a first one, failed ones included.
--
-- The parts of a hold are transactions, too; the hold is their parent. taken is what they have taken from it, without
-- those that failed. taking is the amount of the part under way, which is in taken; meanwhile due is 0. lowered was
-- released in parts. final says of a part that the rest of the hold is released after it.
--
-- asking is the open question to a card network, or empty: there is at most one. It was sent asked times, and from
-- next_ask on (real time) any server may send it again. answers are the questions that were answered, such as
-- 'Authorize:Approved Capture:Declined'.
CREATE TABLE transactions (
	caller_id           TEXT   NOT NULL,
	transaction_id      TEXT   NOT NULL,
	kind                TEXT   NOT NULL CHECK ({{oneOf "kind" "Reserve" "Part" "Pay" "Refund" "FundPrepaid" "SettleDebt" "WriteOffDebt"
		"Commission" "Deposit" "Dispute" "DisputeReturn" "RefundReversal" "OutsideRefund"}}),
	reference           TEXT   NOT NULL,
	sender              TEXT   NOT NULL,
	recipient           TEXT   NOT NULL,
	owner               TEXT   NOT NULL,
	token_id            TEXT   NOT NULL,
	recipient_token     TEXT   NOT NULL,
	instrument_id       TEXT   NOT NULL,
	method              TEXT   NOT NULL CHECK ({{oneOf "method" "CC" "ACH" "ABT" "Prepaid" "Debt"}}),
	aggregate_id        TEXT   NOT NULL,
	fee_by              TEXT   NOT NULL CHECK (fee_by IN ('Recipient', 'Caller')),
	commission_id       TEXT   NOT NULL,
	parent              TEXT   NOT NULL,
	link                TEXT,
	policy              TEXT   NOT NULL CHECK ({{oneOf "policy" "" "MasterTxnOnly" "MarketplaceTxnOnly"
		"MasterAndMarketplaceTxn"}}),
	caller_description  TEXT   NOT NULL,
	sender_description  TEXT   NOT NULL,
	descriptor          TEXT   NOT NULL,
	amount              BIGINT NOT NULL CHECK (amount > 0),
	fixed_terms         BIGINT CHECK (fixed_terms >= 0),
	variable_terms      BIGINT CHECK (variable_terms BETWEEN 0 AND 1000000),
	counted             BIGINT,
	received            BIGINT NOT NULL,
	deadline            BIGINT NOT NULL CHECK (deadline = 0 OR deadline > received),

	due                 BIGINT NOT NULL,
	completed           BIGINT NOT NULL,
	steps               BIGINT NOT NULL,
	asked               BIGINT NOT NULL,
	next_ask            BIGINT NOT NULL,
	refunded            BIGINT NOT NULL CHECK (refunded BETWEEN 0 AND amount),
	fee_returned        BIGINT NOT NULL CHECK (fee_returned >= 0),
	commission_returned BIGINT NOT NULL CHECK (commission_returned >= 0),
	settled             BIGINT CHECK (settled BETWEEN 0 AND amount),
	taken               BIGINT CHECK (taken > 0),
	taking              BIGINT CHECK (taking > 0),
	lowered             BIGINT CHECK (lowered > 0),
	final               BIGINT CHECK (final = 1),
	fee                 BIGINT,
	commission          BIGINT,
	sets_aside          BIGINT,
	linked              BIGINT CHECK (linked > 0),
	sender_balance      BIGINT,
	recipient_balance   BIGINT,
	events              BIGINT,
	state               TEXT   NOT NULL CHECK ({{oneOf "state" "Pending" "Reserved" "Settling" "Success" "Failure" "Cancelled"}}),
	status_code         TEXT,
	status_message      TEXT,
	asking              TEXT   NOT NULL CHECK ({{oneOf "asking" "" "Authorize" "Capture" "Release" "Charge" "Return"}}),
	answers             TEXT   NOT NULL,
	authorization_ref   TEXT   NOT NULL,
	ipn_url             TEXT   NOT NULL,
	PRIMARY KEY ({{key "transaction_id"}}),
	CHECK (kind = 'Reserve' OR state <> 'Reserved' AND COALESCE(settled, 0) = 0),
	CHECK (kind IN ('Reserve', 'Part') OR state <> 'Settling'),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Pending', 'Reserved') OR COALESCE(settled, 0) = 0),
	CHECK (kind <> 'Reserve' OR state NOT IN ('Settling', 'Success') OR COALESCE(settled, 0) > 0),
	CHECK (kind = 'Refund' OR COALESCE(fee, 0) >= 0 AND COALESCE(commission, 0) >= 0),
	CHECK ({{oneOf "kind" "Part" "Refund" "Commission" "Dispute" "DisputeReturn" "RefundReversal" "OutsideRefund"}}
		OR parent = '' OR link IS NOT NULL),
	CHECK (link IS NULL OR kind = 'Reserve' AND parent <> '' AND link IN ('Raise', 'Renew')),
	CHECK (linked IS NULL OR kind = 'Reserve' AND link IS NULL),
	CHECK (kind <> 'Part' OR parent <> ''),
	CHECK (kind = 'Part' OR final IS NULL),
	CHECK (kind = 'Reserve' OR COALESCE(taken, taking, lowered) IS NULL),
	CHECK (COALESCE(taken, 0) + COALESCE(lowered, 0) <= amount),
	CHECK (taken IS NULL OR state = 'Reserved' OR state = 'Success' AND settled = taken),
	CHECK (taking IS NULL OR state = 'Reserved' AND taking <= COALESCE(taken, 0)),
	CHECK (kind = 'Refund' OR policy = ''),
	CHECK (fee_returned <= COALESCE(fee, 0) OR kind = 'Refund'),
	CHECK (commission_returned <= COALESCE(commission, 0) OR kind = 'Refund')
) {{byKeyFilled 50}};
CREATE INDEX transactions_due ON transactions (caller_id, due) WHERE due > 0;
CREATE INDEX transactions_taking ON transactions (caller_id) WHERE taking > 0;
CREATE INDEX transactions_asking ON transactions (next_ask) WHERE asking <> '';
CREATE INDEX transactions_moving ON transactions (recipient) WHERE asking IN ('Capture', 'Charge', 'Return');
CREATE INDEX transactions_by_time ON transactions (caller_id, received) WHERE received > 0;
CREATE INDEX transactions_by_sender ON transactions (sender, received);
CREATE INDEX transactions_received ON transactions (recipient, received, transaction_id)
	WHERE recipient_token <> '' OR kind = 'Deposit';
CREATE INDEX transactions_by_parent ON transactions (caller_id, parent) WHERE parent <> '';
CREATE INDEX transactions_by_lasting_token ON transactions (caller_id, token_id, received) WHERE counted = 1;
CREATE INDEX transactions_by_funding ON transactions (caller_id, aggregate_id, received, transaction_id)
	WHERE kind = 'FundPrepaid';

-- The history: one row for each step of a transaction, with its postings and its notice to the caller. Rows are added
-- and never deleted; only the four columns of the notice change.
--
-- status_code and status_message are NULL for what after_state implies. postings is a JSON array of
-- [from account, to account, amount], or NULL for none; the view postings has a row for each.
--
-- notify_at is when the notice is due (real time); 0 means that nothing waits here. notify_url is empty if the
-- notice goes to the caller's address as it is when the notice is sent. One server delivers it until leased_until (real
-- time). told is when it arrived. A notice whose first try failed goes on in deliveries.
--
-- late is 1 if the step came more than eight days (payment.StepReach) after its transaction was received, else NULL. A
-- report finds the other steps by the times at which transactions were received, and these by an index of their own.
CREATE TABLE steps (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	seq            BIGINT NOT NULL,
	at             BIGINT NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	before_state   TEXT   NOT NULL,
	verb           TEXT   NOT NULL,
	after_state    TEXT   NOT NULL,
	status_code    TEXT,
	status_message TEXT,
	postings       TEXT,
	notify_url     TEXT   NOT NULL,
	notify_at      BIGINT NOT NULL,
	leased_until   BIGINT NOT NULL,
	told           BIGINT NOT NULL,
	late           BIGINT CHECK (late = 1),
	PRIMARY KEY ({{key "transaction_id"}}, seq),
	CHECK ({{oneOf "before_state || ' ' || verb || ' ' || after_state"
		"None Reserve Pending"
		"None Pay Pending"
		"None Transfer Success"
		"None Refund Pending"
		"None Settle Settling"
		"Pending Approve Reserved"
		"Pending Charge Success"
		"Pending Return Success"
		"Pending Decline Failure"
		"Pending Cancel Cancelled"
		"Pending Expire Cancelled"
		"Pending TimeOut Failure"
		"Reserved Settle Settling"
		"Reserved Lower Reserved"
		"Reserved Close Success"
		"Reserved Cancel Cancelled"
		"Reserved Expire Cancelled"
		"Settling Capture Success"
		"Settling CaptureDecline Failure"
		"Failure LateCharge Failure"
		"Failure LateReturn Failure"
		"Cancelled LateCharge Cancelled"
		"Cancelled LateReturn Cancelled"}})
) {{byKey}};
CREATE INDEX steps_to_tell ON steps (leased_until, notify_at) WHERE notify_at > 0;
CREATE INDEX steps_late ON steps (caller_id, at, transaction_id, seq) WHERE late = 1;

-- The postings of all steps, as rows: money that moves from one account to another. seq is the posting's place in its
-- step.
CREATE VIEW postings AS
SELECT s.caller_id, s.transaction_id, s.seq AS step, {{if sqlite -}}
	p.key + 1 AS seq, s.at,
	p.value ->> 0 AS from_account, p.value ->> 1 AS to_account, p.value ->> 2 AS amount
FROM steps s JOIN json_each(s.postings) p;
{{- else -}}
	p.seq, s.at,
	p.value ->> 0 AS from_account, p.value ->> 1 AS to_account, CAST(p.value ->> 2 AS BIGINT) AS amount
FROM steps s CROSS JOIN LATERAL json_array_elements(CAST(s.postings AS json)) WITH ORDINALITY AS p (value, seq);
{{- end}}

-- Notices in their callers' queues: those whose first try failed, those that made way for other callers' in the line of
-- steps, and those about a cancelled token. url and body are what the last try sent, and body is empty before that.
-- A notice that the request gave an address for overrides the caller's. receiver is the host of url.
CREATE TABLE deliveries (
	caller_id    TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	seq          BIGINT NOT NULL,
	about        TEXT   NOT NULL CHECK (about IN ('Transaction', 'Token')),
	url          TEXT   NOT NULL,
	receiver     TEXT   NOT NULL,
	overrides    BIGINT NOT NULL,
	body         TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	next_at      BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	tries        BIGINT NOT NULL,
	last_result  TEXT   NOT NULL,
	outcome      TEXT   NOT NULL CHECK ({{oneOf "outcome" "Waiting" "Delivered" "GivenUp"}}),
	done         BIGINT NOT NULL,
	PRIMARY KEY ({{key "subject"}}, seq)
) {{byKey}};
CREATE INDEX deliveries_waiting ON deliveries (caller_id, leased_until, next_at, subject) WHERE outcome = 'Waiting';
CREATE INDEX deliveries_open ON deliveries (caller_id, created, subject, seq) WHERE outcome = 'Waiting';
CREATE INDEX deliveries_failing ON deliveries (caller_id, created, subject, seq)
	WHERE outcome = 'Waiting' AND last_result <> '';
CREATE INDEX deliveries_given_up ON deliveries (caller_id, done, subject, seq) WHERE outcome = 'GivenUp';
CREATE INDEX deliveries_to_receiver ON deliveries (receiver, caller_id, created, subject, seq) WHERE outcome = 'Waiting';
CREATE INDEX deliveries_given_up_to_receiver ON deliveries (receiver, caller_id, done, subject, seq)
	WHERE outcome = 'GivenUp';

-- Addresses to which a caller's events go (webhooks). secrets are sealed, like all secrets of the store: a JSON array of
-- those that sign at the moment, each with its end. types are the types of events that the address gets, with blanks
-- between; empty is all. pause is why nothing is sent, or empty. One server at a time sends, until leased_until. events
-- is the number of the endpoint's test events; NULL is 0.
CREATE TABLE webhook_endpoints (
	endpoint_id  TEXT   NOT NULL PRIMARY KEY,
	caller_id    TEXT   NOT NULL,
	url          TEXT   NOT NULL,
	description  TEXT   NOT NULL,
	types        TEXT   NOT NULL,
	ordered      BIGINT NOT NULL,
	pause        TEXT   NOT NULL CHECK (pause IN ('', 'Paused', 'Gone', 'Failing')),
	secrets      BYTEA  NOT NULL,
	created      BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	events       BIGINT
) {{plain}};
CREATE INDEX webhook_endpoints_of_caller ON webhook_endpoints (caller_id);

-- The events that go to an endpoint, each by its position in the feed. All times are real time; created is when the event
-- was queued the last time. tries counts the requests since then, failures those of them that count against it. tried, took, status, result and
-- answer are of the last one; answer is the beginning of what the receiver said.
CREATE TABLE webhook_deliveries (
	endpoint_id TEXT   NOT NULL,
	position    BIGINT NOT NULL,
	created     BIGINT NOT NULL,
	outcome     TEXT   NOT NULL CHECK ({{oneOf "outcome" "Waiting" "Delivered" "GivenUp"}}),
	next_at     BIGINT NOT NULL,
	tries       BIGINT NOT NULL,
	failures    BIGINT NOT NULL,
	tried       BIGINT NOT NULL,
	took        BIGINT NOT NULL,
	status      BIGINT NOT NULL,
	result      TEXT   NOT NULL,
	answer      TEXT   NOT NULL,
	PRIMARY KEY (endpoint_id, position)
) {{byKey}};
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at, position) WHERE outcome = 'Waiting';
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (endpoint_id, position) WHERE outcome = 'Waiting';
CREATE INDEX webhook_deliveries_given_up ON webhook_deliveries (endpoint_id, position) WHERE outcome = 'GivenUp';

-- What postings have left in the accounts whose balance is asked for. Each server adds to rows (lanes) of its own, so
-- that servers do not conflict at an account that everybody is paid into; the balance is the sum of the rows.
CREATE TABLE balances (
	caller_id TEXT   NOT NULL,
	account   TEXT   NOT NULL,
	lane      BIGINT NOT NULL,
	micro     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, account, lane)
) {{byKeyFilled 50}};
CREATE INDEX balances_by_account ON balances (account);

-- A row that every decision to spend from a party's balance changes, so that two of them meet.
CREATE TABLE spenders (
	party_id TEXT   NOT NULL PRIMARY KEY,
	times    BIGINT NOT NULL
) {{plain}};

-- Warnings that were given before the deadline of a hold, each once: before is the time before the deadline, in
-- microseconds, and at is when the warning was due by the caller's clock. mail is 1 while a mail about it is to be written,
-- and mail_id is the mail that names the hold.
CREATE TABLE warnings (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	before         BIGINT NOT NULL CHECK (before > 0),
	at             BIGINT NOT NULL,
	mail           BIGINT NOT NULL,
	mail_id        TEXT   NOT NULL,
	PRIMARY KEY ({{key "transaction_id"}}, before)
) {{byKey}};
CREATE INDEX warnings_to_mail ON warnings (caller_id, at) WHERE mail = 1;

-- How far the search for holds to warn of has come, for each caller and each of its warning times: it looks only at
-- deadlines after until. A hold that is made open late lowers it, and a change of the warning times or of the clock sets it
-- to 0. So a search that finds nothing reads one place of transactions_due.
CREATE TABLE warning_marks (
	caller_id TEXT   NOT NULL,
	before    BIGINT NOT NULL,
	until     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, before)
) {{plain}};

-- When the last mail with warnings was written, by the caller's clock.
CREATE TABLE warning_mails (
	caller_id TEXT   NOT NULL PRIMARY KEY,
	at        BIGINT NOT NULL
) {{plain}};

-- The keys of callers' calendars. The address of a calendar has the key; only its hash is kept.
CREATE TABLE calendars (
	caller_id TEXT   NOT NULL PRIMARY KEY,
	hash      BYTEA  NOT NULL UNIQUE,
	created   BIGINT NOT NULL
) {{plain}};

-- Letters to parties. A delivered letter is removed, because there may be a link in it that lets its reader in. Where
-- there is an inbox and no mail server, it is Kept; one that will not be tried again is GivenUp. Tries are counted from
-- queued on. failure is why the last one failed, with nothing of the letter in it. A letter about a payment has its caller,
-- its object, its kind and a mask of the address, for sent_mails. Its id is made from the object, so that it is found
-- without an index.
CREATE TABLE mails (
	mail_id      TEXT   NOT NULL PRIMARY KEY,
	recipient    TEXT   NOT NULL,
	party_id     TEXT   NOT NULL, -- empty for an address without a party
	subject      TEXT   NOT NULL,
	body         TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	queued       BIGINT NOT NULL,
	next_at      BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	tries        BIGINT NOT NULL,
	failure      TEXT   NOT NULL,
	outcome      TEXT   NOT NULL CHECK (outcome IN ('Waiting', 'Kept', 'GivenUp')),
	caller_id    TEXT   NOT NULL,
	object_id    TEXT   NOT NULL,
	kind         TEXT   NOT NULL,
	masked       TEXT   NOT NULL
) {{plain}};
CREATE INDEX mails_waiting ON mails (next_at) WHERE outcome = 'Waiting';
CREATE INDEX mails_by_age ON mails (created, mail_id);

-- Records of letters about payments. They stay when the rows in mails are removed, without text and with a mask of the
-- address. A record is written when the letter was delivered, or forgotten, and so not in the commit of a payment.
CREATE TABLE sent_mails (
	caller_id TEXT   NOT NULL,
	object_id TEXT   NOT NULL,
	mail_id   TEXT   NOT NULL,
	kind      TEXT   NOT NULL,
	masked    TEXT   NOT NULL,
	outcome   TEXT   NOT NULL CHECK (outcome IN ('Sent', 'Kept', 'GivenUp')),
	written   BIGINT NOT NULL,
	done      BIGINT NOT NULL,
	PRIMARY KEY ({{key "object_id"}}, mail_id)
) {{byKey}};

-- A row is a letter whose reader may prove an address with it; of its link and its code only hashes are kept. A newer
-- letter replaces an older one, except a link to a new password: a stranger can ask for those, and must not make the
-- owner's worthless. counted_by is the subject in guesses that the letter was counted for.
CREATE TABLE proofs (
	link       BYTEA  NOT NULL PRIMARY KEY,
	party_id   TEXT   NOT NULL,
	purpose    TEXT   NOT NULL CHECK (purpose IN ('Verify', 'Change', 'Reset', 'Guest')),
	email      TEXT   NOT NULL,
	code       TEXT   NOT NULL,
	guesses    BIGINT NOT NULL CHECK (guesses >= 0),
	counted_by TEXT   NOT NULL,
	created    BIGINT NOT NULL
) {{plain}};
CREATE UNIQUE INDEX proofs_newest ON proofs (party_id, purpose) WHERE purpose <> 'Reset';
CREATE INDEX proofs_of_party ON proofs (party_id, purpose);

-- What is counted of an account or an address is a bucket that empties by itself: recovered is when it is empty again.
CREATE TABLE guesses (
	subject   TEXT   NOT NULL PRIMARY KEY,
	recovered BIGINT NOT NULL
) {{plain}};
CREATE INDEX guesses_by_recovery ON guesses (recovered);

CREATE TABLE passkeys (
	party_id      TEXT   NOT NULL,
	passkey_id    TEXT   NOT NULL,
	credential_id BYTEA  NOT NULL UNIQUE,
	credential    BYTEA  NOT NULL,
	name          TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	last_used     BIGINT NOT NULL,
	PRIMARY KEY (party_id, passkey_id)
) {{plain}};

-- A question to a passkey that is not answered yet. party_id is empty if the answer is to tell which party it is.
CREATE TABLE passkey_challenges (
	challenge TEXT   NOT NULL PRIMARY KEY,
	party_id  TEXT   NOT NULL,
	session   BYTEA  NOT NULL,
	expires   BIGINT NOT NULL
) {{plain}};
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires);

-- A browser in which a party is signed in. Its session is worth nothing without the row. proved is when the party last gave
-- its second factor there; 0 means never.
CREATE TABLE signed_in (
	party_id     TEXT   NOT NULL,
	signed_in_id TEXT   NOT NULL,
	browser      TEXT   NOT NULL,
	system       TEXT   NOT NULL,
	network      TEXT   NOT NULL,
	begun        BIGINT NOT NULL,
	last_seen    BIGINT NOT NULL,
	proved       BIGINT NOT NULL,
	PRIMARY KEY (party_id, signed_in_id)
) {{plain}};
CREATE INDEX signed_in_by_last_seen ON signed_in (last_seen);
CREATE INDEX signed_in_of_party ON signed_in (party_id, last_seen, signed_in_id);

-- A party's role for one caller, or for the whole server if caller_id is empty. refund_limit is 0 for no limit.
CREATE TABLE members (
	party_id     TEXT   NOT NULL,
	caller_id    TEXT   NOT NULL,
	role         TEXT   NOT NULL CHECK (role IN ('owner', 'operator', 'finance', 'support', 'developer', 'packer')),
	refund_limit BIGINT NOT NULL CHECK (refund_limit >= 0),
	created      BIGINT NOT NULL,
	PRIMARY KEY (party_id, caller_id)
) {{plain}};
CREATE INDEX members_by_caller ON members (caller_id, created, party_id);

-- Letters that make their reader a member. Only a hash of the link is kept. A newer letter replaces an older one. name is
-- proposed to the reader who makes an account; it may be empty.
CREATE TABLE invitations (
	link         BYTEA  NOT NULL PRIMARY KEY,
	email        TEXT   NOT NULL,
	email_key    TEXT   NOT NULL,
	caller_id    TEXT   NOT NULL,
	role         TEXT   NOT NULL CHECK (role IN ('owner', 'operator', 'finance', 'support', 'developer', 'packer')),
	refund_limit BIGINT NOT NULL CHECK (refund_limit >= 0),
	language     TEXT   NOT NULL,
	name         TEXT   NOT NULL,
	invited_by   TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	UNIQUE (caller_id, email_key)
) {{plain}};

-- Actions of members above their caller's limit, which wait for the yes of a second member. data is the request as JSON.
-- decided_at is 0 until somebody decides. asked_by and decided_by are empty for a command. Ids begin with the time. For a
-- new limit, object is the caller, and amount is 0 to remove the limit.
CREATE TABLE approvals (
	approval_id TEXT   NOT NULL,
	caller_id   TEXT   NOT NULL,
	idempotency TEXT   NOT NULL,
	action      TEXT   NOT NULL CHECK (action IN ('settle', 'refund', 'limit')),
	object      TEXT   NOT NULL,
	data        TEXT   NOT NULL,
	amount      BIGINT NOT NULL CHECK (amount > 0 OR action = 'limit' AND amount = 0),
	state       TEXT   NOT NULL CHECK (state IN ('Asked', 'Approved', 'Declined', 'Unneeded', 'Lapsed')),
	asked_by    TEXT   NOT NULL,
	asked_at    BIGINT NOT NULL,
	decided_by  TEXT   NOT NULL,
	decided_at  BIGINT NOT NULL,
	PRIMARY KEY (caller_id, approval_id)
) {{plain}};
CREATE INDEX approvals_waiting ON approvals (caller_id, asked_at, approval_id) WHERE state = 'Asked';
CREATE INDEX approvals_by_age ON approvals (asked_at) WHERE state = 'Asked';
CREATE UNIQUE INDEX approvals_by_key ON approvals (caller_id, idempotency);
CREATE INDEX approvals_by_asker ON approvals (caller_id, asked_by, asked_at);

-- The random keys of forms that have made a secret, so that a form that is sent twice makes one.
CREATE TABLE used_forms (
	form_key TEXT   NOT NULL PRIMARY KEY,
	used     BIGINT NOT NULL
) {{plain}};
CREATE INDEX used_forms_by_time ON used_forms (used);

-- The second factor of a party: the secret of its authenticator app. confirmed is 0 until the first code was right.
-- begun_in is the session that was shown the secret, and last_step the half minute of the last code that was used.
CREATE TABLE totps (
	party_id  TEXT   NOT NULL PRIMARY KEY,
	secret    BYTEA  NOT NULL,
	confirmed BIGINT NOT NULL,
	last_step BIGINT NOT NULL,
	begun_in  TEXT   NOT NULL
) {{plain}};

-- Codes that take the place of the second factor, each once. Only hashes are kept.
CREATE TABLE recovery_codes (
	party_id TEXT  NOT NULL,
	hash     BYTEA NOT NULL,
	PRIMARY KEY (party_id, hash)
) {{plain}};

CREATE TABLE sessions (
	session_id TEXT   NOT NULL PRIMARY KEY,
	data       BYTEA  NOT NULL,
	expires    BIGINT NOT NULL
) {{plain}};
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Keys that sign return URLs and notifications. Retired ones stay, so that what they signed can still be verified.
CREATE TABLE signing_keys (
	place       BIGINT NOT NULL UNIQUE,
	path        TEXT   NOT NULL PRIMARY KEY,
	certificate TEXT   NOT NULL,
	private_key BYTEA  NOT NULL,
	created     BIGINT NOT NULL
) {{plain}};

-- The key that signs the links in mails to guests.
CREATE TABLE link_keys (
	purpose TEXT   NOT NULL PRIMARY KEY,
	secret  BYTEA  NOT NULL,
	created BIGINT NOT NULL
) {{plain}};

-- How the secrets in access_keys, signing_keys, link_keys, totps, network_accounts and webhook_endpoints are sealed; without a
-- row they are plain. data_key seals them, and is itself encrypted to key_name, which is an age public key. cleaned is 0
-- until no plain secret is left in freed space.
CREATE TABLE sealing (
	place    BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	data_key BYTEA  NOT NULL,
	key_name TEXT   NOT NULL,
	cleaned  BIGINT NOT NULL
) {{plain}};

-- Merchants' accounts at card networks. owner is the party whose callers may use it. remote is the network's own id of
-- the account. credentials and event_secrets are sealed, like all secrets of the store. base_url is the address of a fake
-- network on this machine, or empty. events_seen is until when events were read by polling. stopped is why the network
-- refuses the key, or empty. fee_share and fee_fixed are the operator's fee.
CREATE TABLE network_accounts (
	account_id       TEXT   NOT NULL PRIMARY KEY,
	kind             TEXT   NOT NULL CHECK (kind IN ('stripe')),
	mode             TEXT   NOT NULL CHECK (mode IN ('test', 'live')),
	owner            TEXT   NOT NULL,
	name             TEXT   NOT NULL,
	remote           TEXT   NOT NULL,
	base_url         TEXT   NOT NULL,
	statement_prefix TEXT   NOT NULL,
	credentials      BYTEA  NOT NULL,
	event_secrets    BYTEA  NOT NULL,
	fee_share        BIGINT NOT NULL CHECK (fee_share BETWEEN 0 AND 1000000),
	fee_fixed        BIGINT NOT NULL CHECK (fee_fixed >= 0),
	per_second       BIGINT NOT NULL CHECK (per_second > 0),
	is_default       BIGINT NOT NULL,
	events_seen      BIGINT NOT NULL,
	stopped          TEXT   NOT NULL,
	created          BIGINT NOT NULL
) {{plain}};
CREATE UNIQUE INDEX network_accounts_by_name ON network_accounts (name);
CREATE UNIQUE INDEX network_accounts_default ON network_accounts (owner, mode) WHERE is_default = 1;

-- When a network has last answered a question about an account, and when it has last failed to, with the reason. A server
-- writes it at most once a minute.
CREATE TABLE network_health (
	account_id TEXT   NOT NULL PRIMARY KEY,
	answered   BIGINT NOT NULL,
	failed     BIGINT NOT NULL,
	failure    TEXT   NOT NULL
) {{plain}};

-- The names that networks have given to parties.
CREATE TABLE network_customers (
	party_id   TEXT NOT NULL,
	account_id TEXT NOT NULL,
	customer   TEXT NOT NULL,
	PRIMARY KEY (party_id, account_id)
) {{plain}};

-- What is known of a transaction at its card network, in addition to the transaction; see payment.Details. Transactions
-- of the sandbox have no row. attention is what a person must look at, or empty.
CREATE TABLE network_payments (
	caller_id           TEXT   NOT NULL,
	transaction_id      TEXT   NOT NULL,
	account_id          TEXT   NOT NULL,
	reference           TEXT   NOT NULL,
	charge              TEXT   NOT NULL,
	status              TEXT   NOT NULL,
	hold_until          BIGINT NOT NULL,
	authorization_code  TEXT   NOT NULL,
	network_transaction TEXT   NOT NULL,
	decline_code        TEXT   NOT NULL,
	advice              TEXT   NOT NULL,
	request_id          TEXT   NOT NULL,
	failed_at           BIGINT NOT NULL,
	attention           TEXT   NOT NULL,
	updated             BIGINT NOT NULL,
	PRIMARY KEY ({{key "transaction_id"}})
) {{byKeyFilled 50}};
CREATE INDEX network_payments_by_reference ON network_payments (account_id, reference) WHERE reference <> '';
CREATE INDEX network_payments_by_charge ON network_payments (account_id, charge) WHERE charge <> '';
CREATE INDEX network_payments_attention ON network_payments (account_id) WHERE attention <> '';

-- Pages of card networks on which buyers give a card. page is the network's id, empty until it is known. A page of mode
-- Hold also holds an amount on the card. From next_at on, the server looks by itself how an open page ended. consent is
-- what the sender agreed to before, in language.
CREATE TABLE network_pages (
	page_key      TEXT   NOT NULL PRIMARY KEY,
	visit_id      TEXT   NOT NULL,
	account_id    TEXT   NOT NULL,
	party_id      TEXT   NOT NULL,
	guest         BIGINT NOT NULL,
	mode          TEXT   NOT NULL CHECK (mode IN ('Keep', 'Hold')),
	hold_id       TEXT   NOT NULL,
	page          TEXT   NOT NULL,
	language      TEXT   NOT NULL,
	consent       TEXT   NOT NULL,
	created       BIGINT NOT NULL,
	expires       BIGINT NOT NULL,
	state         TEXT   NOT NULL CHECK (state IN ('Asking', 'Open', 'Complete', 'Expired')),
	next_at       BIGINT NOT NULL
) {{plain}};
CREATE INDEX network_pages_of_visit ON network_pages (visit_id);
CREATE UNIQUE INDEX network_pages_by_page ON network_pages (account_id, page) WHERE page <> '';
CREATE INDEX network_pages_open ON network_pages (next_at) WHERE state IN ('Asking', 'Open');

-- Holds that were placed while the buyer was on a page, before the caller's Reserve. A Reserve with the token adopts the
-- hold: transaction_id. A hold that nobody adopts is released. The bank's page, if the buyer must visit it, sends the
-- browser to return_url. finding is why a person must look at the hold at the network, or empty; acknowledged is when a
-- person has said that it is known, or 0.
CREATE TABLE page_holds (
	hold_id        TEXT   NOT NULL PRIMARY KEY,
	caller_id      TEXT   NOT NULL,
	visit_id       TEXT   NOT NULL,
	party_id       TEXT   NOT NULL,
	instrument_id  TEXT   NOT NULL,
	account_id     TEXT   NOT NULL,
	token_id       TEXT   NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	descriptor     TEXT   NOT NULL,
	reference      TEXT   NOT NULL,
	hold_until     BIGINT NOT NULL,
	return_url     TEXT   NOT NULL,
	decline_code   TEXT   NOT NULL,
	state          TEXT   NOT NULL CHECK ({{oneOf "state" "Asking" "Action" "Held" "Declined" "Adopted" "Releasing"
		"Released"}}),
	asked          BIGINT NOT NULL,
	next_at        BIGINT NOT NULL,
	transaction_id TEXT   NOT NULL,
	created        BIGINT NOT NULL,
	finding        TEXT   NOT NULL,
	acknowledged   BIGINT NOT NULL
) {{plain}};
CREATE INDEX page_holds_of_visit ON page_holds (visit_id);
CREATE INDEX page_holds_by_token ON page_holds (token_id) WHERE token_id <> '';
CREATE INDEX page_holds_by_reference ON page_holds (account_id, reference) WHERE reference <> '';
CREATE INDEX page_holds_attention ON page_holds (created)
	WHERE finding <> '' AND acknowledged = 0 AND state IN ('Asking', 'Action', 'Held', 'Releasing');
CREATE INDEX page_holds_next ON page_holds (next_at) WHERE state IN ('Asking', 'Action', 'Held', 'Releasing');

-- What a sender agreed to when a card was kept for later payments.
CREATE TABLE consents (
	caller_id TEXT   NOT NULL,
	token_id  TEXT   NOT NULL,
	language  TEXT   NOT NULL,
	text      TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY ({{key "token_id"}})
) {{plain}};

-- Events that networks have told, each once. They say where to look; their contents are not kept. problem is why the
-- last try failed. Rows are deleted after 90 days.
CREATE TABLE network_events (
	account_id   TEXT   NOT NULL,
	event_id     TEXT   NOT NULL,
	type         TEXT   NOT NULL,
	object       TEXT   NOT NULL,
	parent       TEXT   NOT NULL,
	question     TEXT   NOT NULL,
	created      BIGINT NOT NULL,
	received     BIGINT NOT NULL,
	next_at      BIGINT NOT NULL,
	leased_until BIGINT NOT NULL,
	tries        BIGINT NOT NULL,
	problem      TEXT   NOT NULL,
	outcome      TEXT   NOT NULL CHECK ({{oneOf "outcome" "Waiting" "Done" "Ignored" "GivenUp"}}),
	PRIMARY KEY (account_id, event_id)
) {{plain}};
CREATE INDEX network_events_waiting ON network_events (next_at) WHERE outcome = 'Waiting';
CREATE INDEX network_events_by_object ON network_events (account_id, object) WHERE object <> '';
CREATE INDEX network_events_by_parent ON network_events (account_id, parent) WHERE parent <> '';
CREATE INDEX network_events_by_age ON network_events (received);
CREATE INDEX network_events_given_up ON network_events (received) WHERE outcome = 'GivenUp';

-- Disputes of payments. booked and returned are the transactions that took the amount from the recipient and gave it
-- back.
CREATE TABLE disputes (
	account_id     TEXT   NOT NULL,
	dispute_id     TEXT   NOT NULL,
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	amount         BIGINT NOT NULL CHECK (amount > 0),
	reason         TEXT   NOT NULL,
	status         TEXT   NOT NULL,
	open           BIGINT NOT NULL,
	won            BIGINT NOT NULL,
	due            BIGINT NOT NULL,
	booked         TEXT   NOT NULL,
	returned       TEXT   NOT NULL,
	opened         BIGINT NOT NULL,
	updated        BIGINT NOT NULL,
	events         BIGINT, -- of the JSON API; NULL is 0
	PRIMARY KEY (account_id, dispute_id)
) {{plain}};
CREATE INDEX disputes_of_transaction ON disputes (caller_id, transaction_id);

-- The lines of the networks' own books, as they were imported: see docs/going-live.md, "Reconcile". Amounts may be below
-- zero. payment is the network's payment that a line belongs to.
CREATE TABLE network_lines (
	account_id TEXT   NOT NULL,
	line_id    TEXT   NOT NULL,
	type       TEXT   NOT NULL,
	amount     BIGINT NOT NULL,
	fee        BIGINT NOT NULL,
	source     TEXT   NOT NULL,
	payment    TEXT   NOT NULL,
	payout     TEXT   NOT NULL,
	created    BIGINT NOT NULL,
	PRIMARY KEY (account_id, line_id)
) {{plain}};
CREATE INDEX network_lines_by_time ON network_lines (account_id, created);
CREATE INDEX network_lines_by_payout ON network_lines (account_id, payout) WHERE payout <> '';

-- How far the audit of the books is: see store/audit.go. There is one row. The server leased_by reads on from the place
-- in part; an empty part means that no pass is under way. version counts the changes of the row. began and rows_read are
-- of the present pass, or of the last one if none is under way. last_rows and finished are of the last pass that ended.
CREATE TABLE book_audits (
	place        BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	version      BIGINT NOT NULL,
	leased_by    TEXT   NOT NULL,
	leased_until BIGINT NOT NULL,
	part         TEXT   NOT NULL,
	caller_id    TEXT   NOT NULL,
	received     BIGINT NOT NULL,
	row_key      TEXT   NOT NULL,
	account      TEXT   NOT NULL,
	unreadable   BIGINT NOT NULL,
	created      BIGINT NOT NULL,
	began        BIGINT NOT NULL,
	rows_read    BIGINT NOT NULL,
	last_rows    BIGINT NOT NULL,
	finished     BIGINT NOT NULL
) {{plain}};

-- What the postings that the pass has read add up to, for the caller that it is at. book_open are the transactions among
-- them that can take further steps, with the number of steps that were added up.
CREATE TABLE book_sums (
	caller_id TEXT   NOT NULL,
	account   TEXT   NOT NULL,
	micro     BIGINT NOT NULL,
	PRIMARY KEY (caller_id, account)
) {{plain}};

CREATE TABLE book_open (
	caller_id      TEXT   NOT NULL,
	transaction_id TEXT   NOT NULL,
	steps          BIGINT NOT NULL,
	PRIMARY KEY (caller_id, transaction_id)
) {{plain}};

-- What moved in a caller's books on a day in UTC, by the caller's clock; day counts from 1970-01-01. A background job
-- computes the rows from the steps, all of a day at once. Days without a row had none. own_in and own_out are what the
-- caller's owner got and gave. The _change columns are what the day has added to groups of accounts.
CREATE TABLE daily_sums (
	caller_id       TEXT   NOT NULL,
	day             BIGINT NOT NULL,
	holds           BIGINT NOT NULL,
	held            BIGINT NOT NULL,
	released        BIGINT NOT NULL,
	settlements     BIGINT NOT NULL,
	settled         BIGINT NOT NULL,
	refunds         BIGINT NOT NULL,
	refunded        BIGINT NOT NULL,
	fees            BIGINT NOT NULL,
	commissions     BIGINT NOT NULL,
	disputes        BIGINT NOT NULL,
	disputed        BIGINT NOT NULL,
	declines        BIGINT NOT NULL,
	own_in          BIGINT NOT NULL,
	own_out         BIGINT NOT NULL,
	network_change  BIGINT NOT NULL,
	held_change     BIGINT NOT NULL,
	outgoing_change BIGINT NOT NULL,
	fees_change     BIGINT NOT NULL,
	parties_change  BIGINT NOT NULL,
	prepaid_change  BIGINT NOT NULL,
	owed_change     BIGINT NOT NULL,
	debt_change     BIGINT NOT NULL,
	due_change      BIGINT NOT NULL,
	PRIMARY KEY (caller_id, day)
) {{plain}};

-- What each closed day has added to each account of a caller's books: see daily_sum_places. Rows of other days are those of
-- an attempt to close them. Reports begin with the sums of these rows.
CREATE TABLE daily_changes (
	caller_id TEXT   NOT NULL,
	day       BIGINT NOT NULL,
	account   TEXT   NOT NULL,
	micro     BIGINT NOT NULL CHECK (micro <> 0),
	PRIMARY KEY (caller_id, day, account)
) {{byKey}};

-- How far a caller's daily sums are: the days before closed do not change any more. No day is closed before the real time
-- not_before, because the caller's clock was moved. version counts the changes of the row.
CREATE TABLE daily_sum_places (
	caller_id  TEXT   NOT NULL PRIMARY KEY,
	version    BIGINT NOT NULL,
	closed     BIGINT NOT NULL,
	not_before BIGINT NOT NULL
) {{plain}};

-- Rows of the books that are wrong. fault names what is wrong without amounts that change with every payment, so that a
-- violation that was acknowledged is known again. acknowledged is 0 until an operator has done so.
CREATE TABLE book_violations (
	violation_id    TEXT   NOT NULL PRIMARY KEY,
	caller_id       TEXT   NOT NULL,
	table_name      TEXT   NOT NULL,
	row_key         TEXT   NOT NULL,
	fault           TEXT   NOT NULL,
	problem         TEXT   NOT NULL,
	found           BIGINT NOT NULL,
	last_seen       BIGINT NOT NULL,
	acknowledged    BIGINT NOT NULL,
	acknowledged_by TEXT   NOT NULL,
	reason          TEXT   NOT NULL,
	UNIQUE (caller_id, table_name, row_key, fault)
) {{plain}};
CREATE INDEX book_violations_open ON book_violations (caller_id) WHERE acknowledged = 0;

-- Events of the JSON API: one row for each change of an object, written in the commit of the change. data is the object
-- after it, as JSON. seq numbers the events of an object without gaps; it comes from the column events in the object's
-- row. at is the caller's time, created and placed_at are real time.
--
-- position is the event's place in the feed of all callers; 0 means that it has none yet, and then nobody reads it. Rows
-- are added and never deleted; only position and placed_at change, once.
CREATE TABLE events (
	caller_id TEXT   NOT NULL,
	object_id TEXT   NOT NULL,
	seq       BIGINT NOT NULL CHECK (seq > 0),
	event_id  TEXT   NOT NULL,
	type      TEXT   NOT NULL,
	object    TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	created   BIGINT NOT NULL,
	data      TEXT   NOT NULL,
	position  BIGINT NOT NULL CHECK (position >= 0),
	placed_at BIGINT NOT NULL,
	PRIMARY KEY ({{key "object_id"}}, seq)
) {{byKeyFilled 50}};
CREATE INDEX events_unplaced ON events (created, object_id, seq) WHERE position = 0;
CREATE UNIQUE INDEX events_placed ON events (caller_id, position) WHERE position > 0;

-- The end of the feed: the last position that an event has got. There is one row. The server that gives positions locks
-- it, so positions are committed in their order.
CREATE TABLE event_feed (
	place BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	last  BIGINT NOT NULL
) {{plain}};
INSERT INTO event_feed (place, last) VALUES (1, 0);

-- Actions of people, programs and commands: one row each, written in the commit of the action. actor_id is a party, a key
-- or a user of the machine, and source the address or machine that the action came from. before and after are JSON
-- objects of texts. at is real time, and entry_id begins with it.
--
-- A new row waits in audit_waiting for its place in the chain. digest is a hash of the row. Rows never change, and go only
-- when they are in audit_log.
CREATE TABLE audit_waiting (
	entry_id   TEXT   NOT NULL PRIMARY KEY,
	at         BIGINT NOT NULL,
	actor_kind TEXT   NOT NULL CHECK (actor_kind IN ('member', 'key', 'command', 'party', 'server')),
	actor_id   TEXT   NOT NULL,
	actor_name TEXT   NOT NULL,
	source     TEXT   NOT NULL,
	action     TEXT   NOT NULL,
	caller_id  TEXT   NOT NULL,
	object     TEXT   NOT NULL,
	before     TEXT   NOT NULL,
	after      TEXT   NOT NULL,
	digest     BYTEA  NOT NULL
) {{byKey}};

-- The chain. position is the row's place in it, and hash covers the row, its position and the hash of the row before,
-- which is previous. Rows are added at the end, and never changed or deleted.
--
-- Entries of keys are found by their caller, and those of actions that each payment by the JSON API needs by their
-- position or caller: see store/auditlist.go.
CREATE TABLE audit_log (
	position   BIGINT NOT NULL PRIMARY KEY CHECK (position > 0),
	entry_id   TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	actor_kind TEXT   NOT NULL CHECK (actor_kind IN ('member', 'key', 'command', 'party', 'server')),
	actor_id   TEXT   NOT NULL,
	actor_name TEXT   NOT NULL,
	source     TEXT   NOT NULL,
	action     TEXT   NOT NULL,
	caller_id  TEXT   NOT NULL,
	object     TEXT   NOT NULL,
	before     TEXT   NOT NULL,
	after      TEXT   NOT NULL,
	previous   BYTEA  NOT NULL,
	hash       BYTEA  NOT NULL
) {{plain}};
CREATE INDEX audit_log_by_caller ON audit_log (caller_id, position);
CREATE INDEX audit_log_by_object ON audit_log (object, position);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, position) WHERE actor_kind <> 'key';
CREATE INDEX audit_log_by_action ON audit_log (action, position)
WHERE action NOT IN ('checkout.create', 'hold.create', 'hold.settle', 'payment.create');

-- The end of the chain: the position and the hash of its last row. There is one row. The server that lengthens the chain
-- locks it.
CREATE TABLE audit_chain (
	place BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	last  BIGINT NOT NULL,
	hash  BYTEA  NOT NULL
) {{plain}};
INSERT INTO audit_chain (place, last, hash)
VALUES (1, 0, {{if sqlite}}zeroblob(32){{else}}decode(repeat('00', 32), 'hex'){{end}});

{{if sqlite -}}
-- +goose StatementBegin
CREATE TRIGGER audit_log_deleted BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_changed BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_waiting_changed BEFORE UPDATE ON audit_waiting
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_waiting_deleted BEFORE DELETE ON audit_waiting
WHEN NOT EXISTS (SELECT 1 FROM audit_log
	WHERE object = OLD.object AND position > (SELECT last FROM audit_chain) AND entry_id = OLD.entry_id)
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are never deleted before they are in the chain'); END;
-- +goose StatementEnd
{{- else -}}
-- +goose StatementBegin
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'rows of the audit log are never changed or deleted';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_deleted BEFORE DELETE OR TRUNCATE ON audit_log EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_changed BEFORE UPDATE ON audit_log EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_waiting_changed BEFORE UPDATE OR TRUNCATE ON audit_waiting
EXECUTE FUNCTION refuse_audit_change();
-- The rows that this transaction has added to the chain are behind its end, which is written last. They are few, so they
-- are read by their positions, whatever PostgreSQL believes about their number.
-- +goose StatementBegin
CREATE FUNCTION refuse_audit_loss() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (
		SELECT entry_id FROM gone EXCEPT
		SELECT entry_id FROM (
			SELECT entry_id FROM audit_log WHERE position > (SELECT last FROM audit_chain) ORDER BY position LIMIT 1000
		) AS added)
	THEN
		RAISE EXCEPTION 'rows of the audit log are never deleted before they are in the chain';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_waiting_deleted AFTER DELETE ON audit_waiting REFERENCING OLD TABLE AS gone
EXECUTE FUNCTION refuse_audit_loss();
{{- end}}

-- The servers that run on the store. A server writes seen every ten seconds, and removes its row when it stops. schema is
-- the newest version of the schema that its program knows. mails is the address to which the links in the server's mails
-- lead; empty if it sends none.
CREATE TABLE servers (
	server_id TEXT   NOT NULL PRIMARY KEY,
	version   TEXT   NOT NULL,
	schema    BIGINT NOT NULL,
	host      TEXT   NOT NULL,
	mails     TEXT   NOT NULL,
	started   BIGINT NOT NULL,
	seen      BIGINT NOT NULL
) {{plain}};

-- The row of a paused store, in which no money moves and from which nothing is delivered; a store that is not paused has
-- no row. taken is the time of which the store has the state, and since is when it was paused. A store with the reason
-- Copying has a part of its rows only, and no program opens it.
CREATE TABLE pauses (
	place  BIGINT NOT NULL PRIMARY KEY CHECK (place = 1),
	reason TEXT   NOT NULL CHECK (reason IN ('Backup', 'Copy', 'Copying')),
	taken  BIGINT NOT NULL,
	since  BIGINT NOT NULL
) {{plain}};
