import { randomUUID } from "node:crypto";
import { z } from "zod";

const Body = z.record(z.string(), z.unknown());
export type Body = z.infer<typeof Body>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty where there is none. */
  readonly body: Body;
}

export interface Request {
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server as somebody sees it who knows the public API and nothing else. */
export function apiOf(url: string) {
  async function ask(method: string, path: string, { token, body, raw, headers }: Request = {}): Promise<Answer> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(path.startsWith("/api") ? url + path : `${url}/api/v1${path}`, {
      method,
      headers: {
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: isJson ? Body.parse(JSON.parse(text)) : {} };
  }

  async function login(username: string, device = "phone", tenant = "main"): Promise<Person> {
    const { status, body } = await ask("POST", "/auth/login", {
      body: { username, password: passwordOf(username), device: { name: device, platform: "test" }, tenant },
    });
    if (status !== 200) throw new Error(`${username} cannot sign in: ${JSON.stringify(body)}`);
    const { accessToken, refreshToken, userId, deviceId } = SignedIn.parse(body);
    const asked =
      (method: string) =>
      (path: string, request: Omit<Request, "token"> | Body = {}) =>
        ask(method, path, { ...requestOf(request), token: accessToken });
    return {
      username,
      userId,
      deviceId,
      token: accessToken,
      refreshToken,
      get: asked("GET"),
      post: asked("POST"),
      put: asked("PUT"),
      patch: asked("PATCH"),
      delete: asked("DELETE"),
    };
  }

  return {
    url,
    ask,
    login,
    /** A new account with one signed-in device. Names are made unique by a number. */
    async person(name: string, tenant = "main"): Promise<Person> {
      const username = `${name}-${randomUUID().slice(0, 8)}`;
      const registered = await ask("POST", "/auth/register", {
        body: { username, password: passwordOf(username), displayName: name, tenant },
      });
      if (registered.status !== 201) throw new Error(`${name} cannot register: ${JSON.stringify(registered.body)}`);
      return login(username, "phone", tenant);
    },
  };
}

export type Api = ReturnType<typeof apiOf>;

const SignedIn = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresIn: z.number(),
  userId: z.string(),
  deviceId: z.string(),
});

type Asked = (path: string, request?: { readonly [name: string]: unknown }) => Promise<Answer>;

/** Somebody signed in on one device. What is passed to the verbs is the body, or `{ body, raw, headers }`. */
export interface Person {
  readonly username: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly get: Asked;
  readonly post: Asked;
  readonly put: Asked;
  readonly patch: Asked;
  readonly delete: Asked;
}

const Wrapped = z.strictObject({
  body: z.unknown().optional(),
  raw: z.union([z.string(), z.instanceof(Uint8Array<ArrayBuffer>)]).optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

function requestOf(given: object): Request {
  const wrapped = Wrapped.safeParse(given);
  if (!wrapped.success) return { body: given };
  const { body, raw, headers } = wrapped.data;
  return {
    ...(body === undefined ? {} : { body }),
    ...(raw === undefined ? {} : { raw }),
    ...(headers === undefined ? {} : { headers }),
  };
}

export const passwordOf = (username: string): string => `the password of ${username}`;

/** A group with its creator as owner, and the others as they are named: `[bo, "admin"]`, or `bo` for a member. */
export async function group(owner: Person, others: readonly (Person | readonly [Person, string])[] = [], name = "Tea") {
  const members = others.map((other) =>
    "userId" in other ? { userId: other.userId } : { userId: other[0].userId, role: other[1] },
  );
  const { status, body } = await owner.post("/conversations", { body: { kind: "group", name, members } });
  if (status !== 201) throw new Error(`no group: ${JSON.stringify(body)}`);
  return z.string().parse(body.conversationId);
}

export const Sent = z.object({
  messageId: z.string(),
  seq: z.number(),
  position: z.number(),
  revision: z.number(),
  sentAt: z.string(),
});
export type Sent = z.infer<typeof Sent>;

export async function send(by: Person, conversationId: string, text: string, more: Body = {}): Promise<Sent> {
  const message = { messageId: randomUUID(), kind: "text", text, ...more };
  const { status, body } = await by.post(`/conversations/${conversationId}/messages`, { body: message });
  if (status !== 201) throw new Error(`not sent: ${status} ${JSON.stringify(body)}`);
  return Sent.parse(body);
}

/** A read that comes after what an answer says. */
export const after = (answer: Answer | { readonly position: number }) => ({
  headers: { "scripta-min-position": String("position" in answer ? answer.position : answer.body.position) },
});

export const items = ({ body }: Answer): Body[] => z.array(Body).parse(body.items);

/** An answer without what differs from one asking to the next. */
export const comparable = ({ status, body: { traceId: _, ...body } }: Answer) => ({ status, body });
