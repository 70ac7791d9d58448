// A client of Holdfast's JSON API. The paths and types come from the OpenAPI
// document of the server (schema.ts); this file adds the key, the repetition of
// calls, errors and lists.
import createFetchClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type { paths };

export interface Options {
  /** The address of the server, such as "https://pay.example.com". */
  address: string;
  /** The bearer key, "hf_test_…" or "hf_live_…". */
  key: string;
  /** How often a call is repeated when the server is busy or away. The default is 3. */
  retries?: number;
  /** Instead of the global fetch. */
  fetch?: typeof fetch;
}

/** A refused request. Branch on `problem.code`. */
export class HoldfastError extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(`${problem.code}: ${problem.detail ?? problem.title}`);
    this.name = "HoldfastError";
  }
}

/** The client: one method for each HTTP method, with typed paths, bodies and answers. */
export function createClient(options: Options) {
  return createFetchClient<paths>({
    baseUrl: options.address,
    headers: { Authorization: `Bearer ${options.key}` },
    fetch: (request) => repeated(request, options.retries ?? 3, options.fetch ?? fetch),
  });
}

/** The header of a call that must be carried out once, however often it is sent. */
export function idempotent(key: string) {
  return { header: { "Idempotency-Key": key } };
}

/** Waits for a call, and returns its answer or throws its problem. */
export async function answered<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (response.ok) return data as NonNullable<T>; // an answer without a body has no data
  if (isProblem(error)) throw new HoldfastError(error);
  throw new Error(`the server answered ${response.status} without a problem`);
}

function isProblem(error: unknown): error is Schemas["Problem"] {
  return typeof error === "object" && error !== null && "code" in error && "status" in error;
}

/** Reads a list page by page. `read` gets the cursor of the page. */
export async function* all<T>(
  read: (after: string | undefined) => Promise<{ data: T[]; has_more: boolean; next?: string }>,
): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await read(after);
    yield* page.data;
    after = page.has_more ? page.next : undefined;
  } while (after !== undefined);
}

const busy = new Set([429, 500, 502, 503, 504]);

// Repeats what is safe to repeat: reads, and calls with an idempotency key, with
// the same bytes.
async function repeated(request: Request, retries: number, send: typeof fetch): Promise<Response> {
  const safe = request.method === "GET" || request.headers.has("Idempotency-Key");
  for (let attempt = 0; ; attempt++) {
    const last = !safe || attempt >= retries;
    try {
      const response = await send(request.clone());
      if (last || !busy.has(response.status)) return response;
    } catch (error) {
      if (last) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt * (1 + Math.random() / 2)));
  }
}
