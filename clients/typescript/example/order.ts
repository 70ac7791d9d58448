// One order: ask the buyer with a checkout, hold the amount, settle a part when a
// parcel ships, and release the rest.
//
//     node dist/example/order.js http://127.0.0.1:8010 hf_test_…
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { all, answered, createClient, HoldfastError, idempotent, type Schemas } from "../src/index.js";

const [address, key, order = `order-${Date.now()}`] = process.argv.slice(2);
if (!address || !key) throw new Error("usage: order.js ADDRESS KEY [ORDER]");
const holdfast = createClient({ address, key });
const usd = (amount: string): Schemas["Money"] => ({ amount, currency: "USD" });

// The shop's own page, to which the browser comes back.
const shop = createServer((_, response) => response.end("Thank you."));
await new Promise<void>((resolve) => shop.listen(0, "localhost", resolve));

const body: Schemas["NewCheckout"] = {
  type: "single_use",
  amount: usd("42.50"),
  reserve: true,
  description: "Two mugs",
  return_url: `http://localhost:${(shop.address() as AddressInfo).port}/thanks`,
};
const ask = () => answered(holdfast.POST("/v1/checkouts", { params: idempotent(`${order}-checkout`), body }));
const checkout = await ask();
if ((await ask()).id !== checkout.id) throw new Error("the same call made a second checkout");
console.log(`Link for the buyer: ${checkout.url}`);

const token = await approval(checkout.id);
const hold = await answered(
  holdfast.POST("/v1/holds", { params: idempotent(`${order}-hold`), body: { token, amount: usd("42.50") } }),
);
console.log(`Held: ${hold.amount.amount} until ${hold.deadline}`);

const path = { id: hold.id };
const { hold: settled } = await answered(
  holdfast.POST("/v1/holds/{id}/settle", {
    params: { path, ...idempotent(`${order}-parcel-1`) },
    body: { amount: usd("30.00"), final: true },
  }),
);
console.log(`Settled: ${settled.settled.amount}, released: ${settled.released.amount}`);

try {
  await answered(holdfast.GET("/v1/holds/{id}", { params: { path: { id: "1UNKNOWN" } } }));
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  console.log(`Refused: ${error.problem.code}`);
}

let count = 0;
for await (const one of all((after) =>
  answered(holdfast.GET("/v1/checkouts", { params: { query: { limit: 1, ...(after && { after }) } } })),
)) {
  if (one.id === checkout.id) count++;
}
console.log(`Listed: ${count}`);
shop.close();

// approval waits until the buyer has approved the checkout. A shop would wait for
// the event checkout.completed, or for the browser at its return_url.
async function approval(id: string): Promise<string> {
  for (;;) {
    const { state, token, message } = await answered(
      holdfast.GET("/v1/checkouts/{id}", { params: { path: { id } } }),
    );
    if (token) return token;
    if (state !== "open") throw new Error(`the checkout is ${state}: ${message}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
