-- A cart is paid for only once, even from several tabs.
CREATE TABLE carts (
    session_id TEXT NOT NULL PRIMARY KEY,
    cart_id    TEXT NOT NULL UNIQUE -- changes when an order has taken the contents
) STRICT;

ALTER TABLE orders ADD COLUMN cart_id TEXT NOT NULL DEFAULT ''; -- the ordered cart; paying again keeps it
ALTER TABLE orders ADD COLUMN done_at INTEGER NOT NULL DEFAULT 0; -- when a packer closed an order that could not ship
UPDATE orders SET cart_id = order_id;

CREATE INDEX orders_by_cart ON orders (cart_id);
CREATE UNIQUE INDEX orders_live_by_cart ON orders (cart_id)
    WHERE state IN ('Reserving', 'Pending', 'ToShip', 'Shipping', 'Shipped', 'Cancelling');
CREATE INDEX orders_by_change ON orders (changed_at);

ALTER TABLE order_lines ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0 -- pieces that were not in the parcel
    CHECK (left_out BETWEEN 0 AND quantity);

-- Refunds of an order, by this shop or by another program with the shop's keys.
CREATE TABLE refunds (
    order_id       TEXT    NOT NULL REFERENCES orders (order_id),
    position       INTEGER NOT NULL CHECK (position > 0),
    reference      TEXT    NOT NULL DEFAULT '', -- the CallerReference, if this shop asked for it
    transaction_id TEXT    NOT NULL DEFAULT '', -- empty until it is known
    status         TEXT    NOT NULL CHECK (status IN ('Asked', 'Pending', 'Success', 'Failure')),
    amount         INTEGER NOT NULL CHECK (amount > 0),
    reason         TEXT    NOT NULL DEFAULT '',
    at             INTEGER NOT NULL,
    PRIMARY KEY (order_id, position),
    CHECK (reference <> '' OR transaction_id <> '')
) STRICT;

CREATE UNIQUE INDEX refunds_by_transaction ON refunds (transaction_id) WHERE transaction_id <> '';
