-- Times are microseconds since 1970, UTC. Amounts are micro-dollars.

CREATE TABLE cart_lines (
    session_id TEXT    NOT NULL, -- of the buyer's cookie
    product_id TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, product_id)
) STRICT;

CREATE TABLE orders (
    order_id           TEXT    NOT NULL PRIMARY KEY, -- also the CallerReference; not to be guessed
    number             INTEGER NOT NULL UNIQUE,      -- for people
    session_id         TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN (
        'AwaitingAuthorisation', 'Abandoned', 'NotAuthorised', 'Reserving', 'Pending', 'PaymentFailed', 'ToShip',
        'Shipping', 'Shipped', 'Cancelling', 'Cancelled', 'Lapsed', 'NeedsAttention'
    )),
    created_at         INTEGER NOT NULL,
    changed_at         INTEGER NOT NULL,             -- when state was last changed
    items              INTEGER NOT NULL CHECK (items > 0),
    shipping           INTEGER NOT NULL CHECK (shipping >= 0),
    tax                INTEGER NOT NULL CHECK (tax >= 0),
    total              INTEGER NOT NULL CHECK (total = items + shipping + tax),
    token_id           TEXT    NOT NULL DEFAULT '',
    transaction_id     TEXT    NOT NULL DEFAULT '',
    transaction_status TEXT    NOT NULL DEFAULT '',  -- as the payment service last put it
    deadline           INTEGER NOT NULL DEFAULT 0,   -- when the hold lapses; 0 is not known
    charge             INTEGER NOT NULL DEFAULT 0 CHECK (charge BETWEEN 0 AND total), -- what Settle was asked for
    reason             TEXT    NOT NULL DEFAULT '',  -- of a cancellation
    note               TEXT    NOT NULL DEFAULT '',  -- what a person should know about where it stands
    address_name       TEXT    NOT NULL DEFAULT '',
    address_line1      TEXT    NOT NULL DEFAULT '',
    address_line2      TEXT    NOT NULL DEFAULT '',
    address_city       TEXT    NOT NULL DEFAULT '',
    address_state      TEXT    NOT NULL DEFAULT '',
    address_country    TEXT    NOT NULL DEFAULT '',
    address_zip        TEXT    NOT NULL DEFAULT '',
    address_phone      TEXT    NOT NULL DEFAULT '',

    -- Nothing is asked without a token, and nothing moves without a transaction.
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

-- What happened to an order, to be read by people. Appended, never changed.
CREATE TABLE order_events (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    what       TEXT    NOT NULL,
    request_id TEXT    NOT NULL DEFAULT '', -- of the payment service's answer, for its support
    PRIMARY KEY (order_id, position)
) STRICT;
