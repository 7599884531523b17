// Tells Daicho of rentals: one JSON order a line on standard input. See ../README.md.
import { createInterface } from "node:readline";

const url = process.env.DAICHO_URL + "/v1/events";
const headers = { "Content-Type": "application/cloudevents+json", Authorization: "Bearer " + process.env.DAICHO_TOKEN };

// The id follows from the order: sent again, it is a duplicate.
const event = (order) => ({
  specversion: "1.0", id: `order-${order.number}`, source: "/rental/web", type: "daicho.collected.v1",
  subject: `rental:${order.customer}`, time: order.at,
  data: {
    records: [{ key: `${order.number}/name`, category: "pd:Name", value: order.name }],
    purposes: [{ id: "SVC-01", basis: "contract" }], matter: order.number, operation: "rental",
    location: "rental-db", channel: "web", transport: "tls", notice: { policy: "2025-10", language: "ja" },
    person: { kind: "customer", country: "JP" },
  },
});

// Tries again for some minutes, with growing pauses, while trying again may help.
async function send(body) {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(30_000) });
      const text = await answer.json();
      if (answer.status < 500 && answer.status !== 429) return [answer.status, text];
    } catch {
      // nobody answered, or not to the end
    }
    await new Promise((go) => setTimeout(go, Math.min(30_000, 200 * 2 ** attempt) * (0.5 + Math.random())));
  }
  stop("the engine does not answer; run this again later with the same orders");
}

function stop(why) {
  console.error(why);
  process.exit(1);
}

let refused = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [status, answer] = await send(event(JSON.parse(line)));
  if (status === 200 || status === 201) console.log(answer.status);
  else if (status === 422) {
    refused++;
    console.log("refused", answer.rule, answer.field ?? "");
  } else stop(`${status} ${answer.title}: ${answer.detail}`);
}
process.exitCode = refused > 0 ? 1 : 0;
