import { backoffMs, pause } from "./backoff.ts";
import type { Problem } from "./contract.ts";
import { isScriptaError, ScriptaError } from "./problem.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON, but for a form. */
  readonly body?: object | FormData;
  readonly headers?: Readonly<Record<string, string>>;
  /** Asking twice is as good as asking once; else only refusals that changed nothing are asked again. Default: not a POST. */
  readonly repeatable?: boolean;
  /** Asked at most so often; by default a few times. */
  readonly attempts?: number;
}

export interface Http {
  /** The body of the answer; `undefined` for none. Throws `ScriptaError`. */
  json<Body>(request: HttpRequest, token?: string): Promise<Body>;
  response(request: HttpRequest, token?: string): Promise<Response>;
}

const ATTEMPTS = 5;
/** Beyond this the caller had better be told than kept waiting. */
const LONGEST_WAIT_MS = 10_000;
const TIMEOUT_MS = 30_000;

/** Requests to one server. Asks again after 429 and 503 as the server says, and after network errors where that is safe. */
export function httpOf(baseUrl: string): Http {
  const response = async (request: HttpRequest, token?: string): Promise<Response> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(baseUrl, request, token);
      } catch (error) {
        const waitMs = isScriptaError(error) ? waitBefore(request, error, attempt) : undefined;
        if (waitMs === undefined) throw error;
        await pause(waitMs);
      }
    }
  };
  return {
    response,
    async json<Body>(request: HttpRequest, token?: string): Promise<Body> {
      const text = await (await response(request, token)).text();
      return parse<Body>(text === "" ? "null" : text);
    },
  };
}

function waitBefore(request: HttpRequest, error: ScriptaError, attempt: number): number | undefined {
  if (!error.passing || attempt + 1 >= (request.attempts ?? ATTEMPTS)) return undefined;
  if (error.code === "network" && !(request.repeatable ?? request.method !== "POST")) return undefined;
  const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs(attempt));
  return waitMs <= LONGEST_WAIT_MS ? waitMs : undefined;
}

async function once(
  baseUrl: string,
  { method, path, query = {}, body, headers }: HttpRequest,
  token?: string,
): Promise<Response> {
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/api/v1${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const isForm = body instanceof FormData;
  const response = await fetch(url, {
    method,
    headers: {
      ...(body && !isForm ? { "content-type": "application/json" } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body ? { body: isForm ? body : JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new ScriptaError("network", `no answer from ${url.origin}`, { cause });
  });
  if (response.ok || response.status === 304) return response;
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<ScriptaError> {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const text = await response.text().catch(() => "");
  if (!response.headers.get("content-type")?.includes("json")) {
    // A proxy answered in the server's place.
    const code = response.status >= 500 ? "unavailable" : "not-found";
    return new ScriptaError(code, `HTTP ${response.status}`, { status: response.status, retryAfterMs });
  }
  const { code, title, detail, errors, traceId } = parse<Problem>(text);
  return new ScriptaError(code, detail ?? title, { status: response.status, errors, traceId, retryAfterMs });
}

/** The boundary: the server is trusted for the shape that the contract promises. */
const parse = <Body>(text: string): Body => JSON.parse(text);
