-- Times are microseconds since 1970, UTC. Amounts are micro-dollars.

CREATE TABLE carts (
    session_id TEXT NOT NULL PRIMARY KEY, -- in the buyer's cookie
    cart_id    TEXT NOT NULL UNIQUE       -- changes when an order has taken the contents
) STRICT;

CREATE TABLE cart_lines (
    session_id TEXT    NOT NULL,
    product_id TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, product_id)
) STRICT;

-- Pieces that nobody has ordered. An order takes its pieces before its amount is held.
CREATE TABLE stock (
    product_id TEXT    NOT NULL PRIMARY KEY,
    pieces     INTEGER NOT NULL CHECK (pieces >= 0)
) STRICT;

CREATE TABLE orders (
    order_id        TEXT    NOT NULL PRIMARY KEY, -- also the reference at the payment service; cannot be guessed
    number          INTEGER NOT NULL UNIQUE,      -- for people
    session_id      TEXT    NOT NULL,
    cart_id         TEXT    NOT NULL,             -- the ordered cart; paying again keeps it
    state           TEXT    NOT NULL CHECK (state IN (
        'AwaitingApproval', 'Abandoned', 'TurnedAway', 'SoldOut', 'Reserving', 'Pending', 'PaymentFailed', 'ToShip',
        'Shipping', 'Releasing', 'Shipped', 'Cancelled', 'Lapsed', 'ChargeFailed', 'NeedsAttention'
    )),
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,             -- when the state last changed
    items           INTEGER NOT NULL CHECK (items > 0),
    shipping        INTEGER NOT NULL CHECK (shipping >= 0),
    tax             INTEGER NOT NULL CHECK (tax >= 0),
    total           INTEGER NOT NULL CHECK (total = items + shipping + tax),
    checkout_id     TEXT    NOT NULL DEFAULT '',
    checkout_url    TEXT    NOT NULL DEFAULT '',
    token           TEXT    NOT NULL DEFAULT '',
    hold_id         TEXT    NOT NULL DEFAULT '',
    hold_state      TEXT    NOT NULL DEFAULT '',  -- as last reported by the payment service
    deadline        INTEGER NOT NULL DEFAULT 0,   -- when the hold expires; 0 means unknown
    reason          TEXT    NOT NULL DEFAULT '',  -- of a cancellation
    note            TEXT    NOT NULL DEFAULT '',  -- for people: the state and what to do
    done_at         INTEGER NOT NULL DEFAULT 0,   -- when a packer closed an order that could not ship
    email           TEXT    NOT NULL DEFAULT '',
    address_name    TEXT    NOT NULL DEFAULT '',
    address_line1   TEXT    NOT NULL DEFAULT '',
    address_line2   TEXT    NOT NULL DEFAULT '',
    address_city    TEXT    NOT NULL DEFAULT '',
    address_state   TEXT    NOT NULL DEFAULT '',
    address_zip     TEXT    NOT NULL DEFAULT '',
    address_country TEXT    NOT NULL DEFAULT '',
    address_phone   TEXT    NOT NULL DEFAULT '',

    -- A hold needs a token, and nothing ships without a hold.
    CHECK (token <> '' OR state IN ('AwaitingApproval', 'Abandoned', 'TurnedAway')),
    CHECK (hold_id <> '' OR state NOT IN ('Pending', 'ToShip', 'Shipping', 'Releasing', 'Shipped'))
) STRICT;

CREATE UNIQUE INDEX orders_by_hold ON orders (hold_id) WHERE hold_id <> '';
CREATE INDEX orders_by_state ON orders (state, deadline);
CREATE INDEX orders_by_change ON orders (changed_at);
CREATE INDEX orders_by_cart ON orders (cart_id);

-- A cart is paid for only once, even from several tabs.
CREATE UNIQUE INDEX orders_live_by_cart ON orders (cart_id)
    WHERE state IN ('Reserving', 'Pending', 'ToShip', 'Shipping', 'Releasing', 'Shipped');

CREATE TABLE order_lines (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL,
    product_id TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    price      INTEGER NOT NULL CHECK (price > 0),
    quantity   INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9),
    PRIMARY KEY (order_id, position)
) STRICT;

-- The parts of an order, which are settled or released one by one.
CREATE TABLE parts (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    number     INTEGER NOT NULL CHECK (number > 0), -- the idempotency key has it
    kind       TEXT    NOT NULL CHECK (kind IN ('Parcel', 'Withdrawal', 'Elsewhere')),
    state      TEXT    NOT NULL CHECK (state IN ('Asked', 'Done', 'Refused')),
    amount     INTEGER NOT NULL CHECK (amount >= 0), -- that is charged, or released
    last       INTEGER NOT NULL CHECK (last IN (0, 1)), -- the rest of the hold is released
    restock    INTEGER NOT NULL CHECK (restock IN (0, 1)), -- withdrawn pieces go back into the stock
    payment_id TEXT    NOT NULL DEFAULT '',
    at         INTEGER NOT NULL,
    PRIMARY KEY (order_id, number)
) STRICT;

-- One part at a time: the next one depends on what becomes of it.
CREATE UNIQUE INDEX parts_asked ON parts (order_id) WHERE state = 'Asked';
CREATE UNIQUE INDEX parts_by_payment ON parts (payment_id) WHERE payment_id <> '';

CREATE TABLE part_lines (
    order_id TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    position INTEGER NOT NULL, -- of the order's line
    pieces   INTEGER NOT NULL CHECK (pieces > 0),
    PRIMARY KEY (order_id, number, position),
    FOREIGN KEY (order_id, number) REFERENCES parts (order_id, number),
    FOREIGN KEY (order_id, position) REFERENCES order_lines (order_id, position)
) STRICT;

-- Refunds of an order, by this shop or by another program of its caller.
CREATE TABLE refunds (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL CHECK (position > 0),
    refund_id  TEXT    NOT NULL DEFAULT '', -- empty until it is known
    payment_id TEXT    NOT NULL,
    ours       INTEGER NOT NULL CHECK (ours IN (0, 1)),
    state      TEXT    NOT NULL CHECK (state IN ('asked', 'pending', 'succeeded', 'failed', 'cancelled')),
    amount     INTEGER NOT NULL CHECK (amount > 0),
    reason     TEXT    NOT NULL DEFAULT '',
    at         INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT;

CREATE UNIQUE INDEX refunds_by_id ON refunds (refund_id) WHERE refund_id <> '';

CREATE TABLE disputes (
    dispute_id TEXT NOT NULL PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (order_id),
    state      TEXT NOT NULL -- as the last event told
) STRICT;

CREATE INDEX disputes_by_order ON disputes (order_id);

-- What happened to an order, for people. Rows are only added, never changed.
CREATE TABLE order_log (
    order_id   TEXT    NOT NULL REFERENCES orders (order_id),
    position   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    what       TEXT    NOT NULL,
    request_id TEXT    NOT NULL DEFAULT '', -- of the payment service's refusal, for its operator
    PRIMARY KEY (order_id, position)
) STRICT;
