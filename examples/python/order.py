"""One order from the link to the refund, on a running demo:

    holdfast demo --json > demo.json &
    python3 order.py demo.json
"""

import json
import queue
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import holdfast

returns, notifications = queue.Queue(), queue.Queue()


def main(demo_file, port="9000", public=""):
    with open(demo_file, encoding="utf-8") as file:
        demo = json.load(file)
    client = holdfast.Client(
        demo["endpoint"], demo["cobranded"], demo["accessKeyId"], demo["secretAccessKey"], demo["callerId"]
    )
    # The public address is the one that buyers and the server use. Behind a
    # proxy it is not the one that this program listens at.
    public = public or f"http://localhost:{port}"
    listen(client, int(port), public)

    # Each thing that you want done has a reference of its own. Store it before
    # you ask, so that you can ask again with the same one.
    order = "order-" + secrets.token_hex(4)

    print("Link for the buyer:", client.link("SingleUse", {
        "callerReference": order + "-pay", "returnURL": public + "/return",
        "transactionAmount": "12.50", "currencyCode": "USD", "paymentReason": "A mug", "reserve": "True",
    }))
    back = returns.get()
    print("The buyer came back with status", back["status"])
    if back["status"] not in ("SA", "SB", "SC") or back["callerReference"] != order + "-pay":
        sys.exit("The buyer did not agree to this payment.")

    answer = client.call("Reserve", {
        "SenderTokenId": back["tokenID"], "CallerReference": order + "-reserve",
        "TransactionAmount.Value": "12.50", "TransactionAmount.CurrencyCode": "USD",
        "OverrideIPNURL": public + "/ipn",
    })
    payment = holdfast.field(answer, "TransactionId")
    expect(client, "Reserve", answer, "Reserved")

    # The parcel is packed and leaves: take the money. Settle has no reference,
    # since a transaction is settled only once.
    answer = client.call("Settle", {"ReserveTransactionId": payment, "OverrideIPNURL": public + "/ipn"})
    expect(client, "Settle", answer, "Success")

    # The parcel comes back: so does the money.
    answer = client.call("Refund", {
        "TransactionId": payment, "CallerReference": order + "-refund", "OverrideIPNURL": public + "/ipn",
    })
    refund = holdfast.field(answer, "TransactionId")
    expect(client, "Refund", answer, "Success")

    # Notifications come late, twice or in another order, so they are hints. Only
    # an answer of the API decides what you ship.
    while True:
        told = notifications.get()
        print("Notified:", told["operation"], told["transactionStatus"], told["transactionAmount"])
        if (told["transactionId"], told["transactionStatus"]) == (refund, "SUCCESS"):
            break
    print("Done:", order)


def expect(client, action, answer, wanted):
    """Wait until the outcome is known, and stop if it is not the wanted one."""
    transaction = holdfast.field(answer, "TransactionId")
    status = holdfast.field(answer, "TransactionStatus")
    while status == "Pending":
        time.sleep(1)
        answer = client.call("GetTransactionStatus", {"TransactionId": transaction})
        status = holdfast.field(answer, "TransactionStatus")
    print(f"{action}: {transaction} is {status}")
    if status != wanted:
        sys.exit(f"{action} failed.")


def listen(client, port, public):
    """Receive buyers at /return and notifications at /ipn."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self):
            path, _, query = self.path.partition("?")
            if path != "/return":
                return self.answer(404, "There is nothing here.")
            self.receive(returns, client.verify, "GET", public + path, query)

        def do_POST(self):
            length = self.headers.get("Content-Length", "")
            body = self.rfile.read(min(int(length), 65536)).decode(errors="replace") if length.isdecimal() else ""
            if self.path != "/ipn":
                return self.answer(404, "There is nothing here.")
            self.receive(notifications, client.verify_by_asking, "POST", public + self.path, body)

        def receive(self, messages, verify, verb, address, raw):
            try:
                messages.put(verify(verb, address, raw))
            except (holdfast.NotGenuine, holdfast.Refused) as problem:
                print("Refused a message:", problem)
                return self.answer(403, "This message is not genuine.")
            except (holdfast.InDoubt, OSError) as problem:
                print("Could not verify a message:", problem)
                return self.answer(503, "Please try again.")
            self.answer(200, "Thank you.")

        def answer(self, status, text):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass  # the standard one prints addresses, with their tokens

    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    try:
        main(*sys.argv[1:])
    except holdfast.Refused as refused:
        sys.exit(f"Refused: {refused}")
    except holdfast.InDoubt as doubt:
        sys.exit(f"In doubt: {doubt}. Send the same request again, with the same CallerReference.")
