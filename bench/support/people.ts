import { WebSocket } from "ws";

/** Somebody signed in on one device. */
export interface SignedIn {
  readonly accessToken: string;
  readonly userId: string;
}

export async function call<Answer>(
  url: string,
  method: string,
  path: string,
  { token, body }: { readonly token?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

let made = 0;

export async function signUp(url: string): Promise<SignedIn> {
  const username = `p${process.pid}-${made++}`;
  const password = "correct horse battery";
  await call(url, "POST", "/api/v1/auth/register", { body: { username, password, displayName: username } });
  const device = { name: "bench", platform: "bench" };
  return call(url, "POST", "/api/v1/auth/login", { body: { username, password, device } });
}

/** A few at once: signing in is slow on purpose. */
export async function signUpMany(url: string, count: number): Promise<SignedIn[]> {
  const people: SignedIn[] = [];
  while (people.length < count)
    people.push(...(await Promise.all(Array.from({ length: Math.min(8, count - people.length) }, () => signUp(url)))));
  return people;
}

const RESUME = 4010;
const TRIES = 10;

class Closed extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`closed with ${code}`);
    this.code = code;
  }
}

/** A live socket: signed in and caught up. As every client it comes again where the server asks for that. */
export async function openSocket(url: string, { accessToken }: SignedIn): Promise<WebSocket> {
  const address = `${url.replace("http", "ws")}/api/v1/realtime`;
  for (let tried = 1; ; tried++) {
    try {
      return await opened(address, { type: "hello", token: accessToken }, "scripta.v1");
    } catch (error) {
      if (!(error instanceof Closed) || error.code !== RESUME || tried === TRIES) throw error;
    }
  }
}

export function openRelaySocket(url: string, room: string): Promise<WebSocket> {
  return opened(url.replace("http", "ws"), { room });
}

function opened(address: string, hello: object, protocol?: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address, protocol, { perMessageDeflate: false });
    socket.once("error", reject);
    socket.once("close", (code) => reject(new Closed(code)));
    socket.once("open", () => socket.send(JSON.stringify(hello)));
    const untilLive = (data: unknown) => {
      if (!String(data).includes('"live"')) return;
      socket.off("message", untilLive);
      resolve(socket);
    };
    socket.on("message", untilLive);
  });
}
