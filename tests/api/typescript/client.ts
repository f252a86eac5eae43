// A back end in another language: everything that it knows of the API comes from openapi.json.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const [origin, key] = [process.env["API_ORIGIN"], process.env["API_KEY"]];
const api = createClient<paths>({ baseUrl: origin, headers: { Authorization: `Bearer ${key}` } });

function must<T>(answer: { data?: T; error?: { reason: string; detail: string } }): T {
  if (answer.data === undefined) throw new Error(`${answer.error?.reason}: ${answer.error?.detail}`);
  return answer.data;
}

const path = { customer_id: "Ünïcode & Co" };
const made = await api.PUT("/v1/customers/{customer_id}", { params: { path }, body: { customer_name: "Ünïcode" } });
const state: "requested" | "missing" | "waiting" | "ready" | "failed" = must(made).application.state;

const seen: string[] = [];
let cursor: string | null = null;
do {
  const query: { limit: number; cursor?: string } = cursor === null ? { limit: 1 } : { limit: 1, cursor };
  const page = must(await api.GET("/v1/customers", { params: { query } }));
  seen.push(...page.customers.map((customer) => customer.customer_id));
  cursor = page.next_cursor;
} while (cursor !== null);

const header = { "Idempotency-Key": crypto.randomUUID() };
const links = [];
for (let sent = 0; sent < 2; sent++) {
  links.push(must(await api.POST("/v1/customers/{customer_id}/links", { params: { path, header } })).link);
}
const acme = { customer_id: "acme" };
const until = new Date(Date.now() + 3_600_000).toISOString();
const paused = await api.PUT("/v1/customers/{customer_id}/pause", {
  params: { path: acme },
  body: { reason: "trial", until },
});
const resumed = await api.DELETE("/v1/customers/{customer_id}/pause", { params: { path: acme } });
const { integrations } = must(await api.GET("/v1/customers/{customer_id}/integrations", { params: { path: acme } }));
const changes = must(await api.GET("/v1/changes", { params: { query: { after: 0 } } }));
const looks = must(await api.POST("/v1/customers/{customer_id}/looks", { params: { path: acme } })).looks;
const nobody = await api.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: "nobody" } } });
const stranger = await api.GET("/v1/customers", { headers: { Authorization: "Bearer none" } });

console.log(
  JSON.stringify({
    status: made.response.status,
    location: made.response.headers.get("location"),
    state,
    seen,
    links,
    paused: must(paused).paused_by,
    resumed: resumed.response.status,
    moves: integrations.map((integration) => [integration.integration_type, integration.whose_move]),
    nextAfter: changes.next_after,
    looks,
    problems: [nobody.error?.reason, stranger.error?.reason],
  }),
);
