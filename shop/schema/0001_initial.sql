-- Times are microseconds since 1970, UTC. Amounts are micro-dollars.

CREATE TABLE cart_lines (
    session_id TEXT    NOT NULL, -- in the buyer's cookie
    product_id TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, product_id)
) STRICT;

CREATE TABLE orders (
    order_id           TEXT    NOT NULL PRIMARY KEY, -- also the CallerReference; cannot be guessed
    number             INTEGER NOT NULL UNIQUE,      -- for people
    session_id         TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN (
        'AwaitingAuthorisation', 'Abandoned', 'NotAuthorised', 'Reserving', 'Pending', 'PaymentFailed', 'ToShip',
        'Shipping', 'Shipped', 'Cancelling', 'Cancelled', 'Lapsed', 'NeedsAttention'
    )),
    created_at         INTEGER NOT NULL,
    changed_at         INTEGER NOT NULL,             -- when the state last changed
    items              INTEGER NOT NULL CHECK (items > 0),
    shipping           INTEGER NOT NULL CHECK (shipping >= 0),
    tax                INTEGER NOT NULL CHECK (tax >= 0),
    total              INTEGER NOT NULL CHECK (total = items + shipping + tax),
    token_id           TEXT    NOT NULL DEFAULT '',
    transaction_id     TEXT    NOT NULL DEFAULT '',
    transaction_status TEXT    NOT NULL DEFAULT '',  -- as last reported by the payment service
    deadline           INTEGER NOT NULL DEFAULT 0,   -- when the hold expires; 0 means unknown
    charge             INTEGER NOT NULL DEFAULT 0 CHECK (charge BETWEEN 0 AND total), -- the amount of the Settle
    reason             TEXT    NOT NULL DEFAULT '',  -- of a cancellation
    note               TEXT    NOT NULL DEFAULT '',  -- for people: the state and what to do
    address_name       TEXT    NOT NULL DEFAULT '',
    address_line1      TEXT    NOT NULL DEFAULT '',
    address_line2      TEXT    NOT NULL DEFAULT '',
    address_city       TEXT    NOT NULL DEFAULT '',
    address_state      TEXT    NOT NULL DEFAULT '',
    address_country    TEXT    NOT NULL DEFAULT '',
    address_zip        TEXT    NOT NULL DEFAULT '',
    address_phone      TEXT    NOT NULL DEFAULT '',

    -- A request needs a token, and an order with a hold has a transaction.
    CHECK (token_id <> '' OR state IN ('AwaitingAuthorisation', 'Abandoned', 'NotAuthorised')),
    CHECK (transaction_id <> '' OR state NOT IN ('Pending', 'ToShip', 'Shipping', 'Shipped', 'Cancelling')),
    CHECK (charge > 0 OR state NOT IN ('Shipping', 'Shipped'))
) STRICT;

CREATE UNIQUE INDEX orders_by_transaction ON orders (transaction_id) WHERE transaction_id <> '';
CREATE INDEX orders_by_state ON orders (state, deadline);

CREATE TABLE order_lines (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL,
    product_id TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    price      INTEGER NOT NULL CHECK (price > 0),
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
    PRIMARY KEY (order_id, position)
) STRICT;

-- What happened to an order, for people. Rows are only added, never changed.
CREATE TABLE order_events (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    what       TEXT    NOT NULL,
    request_id TEXT    NOT NULL DEFAULT '', -- of the payment service's answer, for its support
    PRIMARY KEY (order_id, position)
) STRICT;
