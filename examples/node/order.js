// One order from the link to the refund, on a running demo:
//
//     holdfast demo --json > demo.json &
//     node order.js demo.json

import { randomBytes } from "node:crypto";
import { EventEmitter, on, once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { Client, InDoubt, NotGenuine, Refused, field } from "./holdfast.js";

async function main(demoFile, port = "9000", publicAddress = `http://localhost:${port}`) {
  const client = new Client(JSON.parse(await readFile(demoFile, "utf8")));
  // The public address is the one that buyers and the server use. Behind a proxy
  // it is not the one that this program listens at.
  const shop = new EventEmitter();
  const server = await listen(client, shop, port, publicAddress);
  const returned = once(shop, "return");
  const notifications = on(shop, "notification");

  // Each thing that you want done has a reference of its own. Store it before you
  // ask, so that you can ask again with the same one.
  const order = "order-" + randomBytes(4).toString("hex");

  console.log("Link for the buyer:", client.link("SingleUse", {
    callerReference: `${order}-pay`, returnURL: `${publicAddress}/return`,
    transactionAmount: "12.50", currencyCode: "USD", paymentReason: "A mug", reserve: "True",
  }));
  const [back] = await returned;
  console.log("The buyer came back with status", back.status);
  if (!["SA", "SB", "SC"].includes(back.status) || back.callerReference !== `${order}-pay`) {
    throw new Error("the buyer did not agree to this payment");
  }

  let answer = await client.call("Reserve", {
    SenderTokenId: back.tokenID, CallerReference: `${order}-reserve`,
    "TransactionAmount.Value": "12.50", "TransactionAmount.CurrencyCode": "USD",
    OverrideIPNURL: `${publicAddress}/ipn`,
  });
  const payment = field(answer, "TransactionId");
  await expect(client, "Reserve", answer, "Reserved");

  // The parcel is packed and leaves: take the money. Settle has no reference,
  // since a transaction is settled only once.
  answer = await client.call("Settle", { ReserveTransactionId: payment, OverrideIPNURL: `${publicAddress}/ipn` });
  await expect(client, "Settle", answer, "Success");

  // The parcel comes back: so does the money.
  answer = await client.call("Refund", {
    TransactionId: payment, CallerReference: `${order}-refund`, OverrideIPNURL: `${publicAddress}/ipn`,
  });
  const refund = field(answer, "TransactionId");
  await expect(client, "Refund", answer, "Success");

  // Notifications come late, twice or in another order, so they are hints. Only an
  // answer of the API decides what you ship.
  for await (const [told] of notifications) {
    console.log("Notified:", told.operation, told.transactionStatus, told.transactionAmount);
    if (told.transactionId === refund && told.transactionStatus === "SUCCESS") break;
  }
  console.log("Done:", order);
  server.close();
}

// expect waits until the outcome is known, and throws if it is not the wanted one.
async function expect(client, action, answer, wanted) {
  const transaction = field(answer, "TransactionId");
  let status = field(answer, "TransactionStatus");
  while (status === "Pending") {
    await sleep(1000);
    status = field(await client.call("GetTransactionStatus", { TransactionId: transaction }), "TransactionStatus");
  }
  console.log(`${action}: ${transaction} is ${status}`);
  if (status !== wanted) throw new Error(`${action} failed`);
}

// listen receives buyers at /return and notifications at /ipn.
async function listen(client, shop, port, publicAddress) {
  const server = createServer(async (request, response) => {
    const [path, query = ""] = request.url.split(/\?(.*)/s);
    const answer = (status, text) => response.writeHead(status, { "Content-Type": "text/plain" }).end(text);
    try {
      if (request.method === "GET" && path === "/return") {
        shop.emit("return", await client.verify("GET", publicAddress + path, query));
      } else if (request.method === "POST" && path === "/ipn") {
        let body = "";
        for await (const chunk of request.setEncoding("utf8")) {
          body += chunk;
          if (body.length > 65536) throw new NotGenuine("it is too long");
        }
        shop.emit("notification", await client.verifyByAsking("POST", publicAddress + path, body));
      } else {
        return answer(404, "There is nothing here.");
      }
      answer(200, "Thank you.");
    } catch (error) {
      console.error("Refused a message:", error.message);
      if (error instanceof NotGenuine || error instanceof Refused) answer(403, "This message is not genuine.");
      else answer(503, "Please try again."); // nobody could be asked: it may be genuine
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

try {
  await main(...process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  if (error instanceof InDoubt) console.error("Send the same request again, with the same CallerReference.");
  process.exit(1); // the listener would keep it running
}
