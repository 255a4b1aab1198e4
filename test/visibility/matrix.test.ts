import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Answer, after, type Body, comparable, type Person } from "../support/apiClient.ts";
import { liveSocket, openSocket } from "../support/apiSocket.ts";
import { type Expectation, expectations, type Open } from "./expectations.ts";
import { aScene, CANARY, EARLY, insiders, outsiders, type Scene, type Signed, unauthenticated } from "./scene.ts";

let scene: Scene;
/** Method and path of each door, and which are commands on the socket, as the server publishes them. */
let doors: ReadonlyMap<string, { method: string; path: string }>;
let commands: ReadonlySet<string>;
beforeAll(async () => {
  scene = await aScene();
  doors = await published();
  commands = await publishedCommands();
}, 60_000);
afterAll(() => scene?.stop());

const signed: readonly Signed[] = [...outsiders, ...insiders];
const isOutside = (viewer: Signed) => outsiders.some((outsider) => outsider === viewer);

test("every door that the server has is in the matrix", () => {
  expect(doors.size).toBeGreaterThan(30);
  expect([...doors.keys()].sort()).toEqual(Object.keys(expectations).sort());
  expect([...commands].filter((name) => !doors.has(name))).toEqual([]);
});

describe.each(Object.entries(expectations))("%s", (name, row) => {
  if ("open" in row) {
    test("answers everybody alike", () => answersAlike(name, row));
    return;
  }
  test("is refused to whom it is not for, and changes nothing", async () => {
    const before = await seenByOwner();
    for (const viewer of signed.filter((one) => row.statuses[one] >= 400)) {
      const answer = await ask(name, row, viewer);
      expect({ viewer, status: answer.status }).toEqual({ viewer, status: row.statuses[viewer] });
      expectNothingTold(answer, viewer);
    }
    expect(await seenByOwner()).toEqual(before);
  });

  test("takes a token that holds", async () => {
    for (const viewer of unauthenticated) {
      const { method, path, body } = requestOf(name, row.payload(scene.target("nobody"), randomUUID()));
      const token = scene.tokens[viewer];
      const answer = await scene.api.ask(method, path, { ...(token ? { token } : {}), ...body });
      expect({ viewer, status: answer.status }).toEqual({ viewer, status: 401 });
      expectNothingTold(answer, viewer);
    }
  });

  test("shows nothing more than one may see to those who may do it", async () => {
    // A fellow who leaves would be missing afterwards.
    for (const viewer of signed.filter((one) => row.statuses[one] < 400 && name !== "RemoveMember")) {
      const answer = await ask(name, row, viewer);
      expect({ viewer, status: answer.status }).toEqual({ viewer, status: row.statuses[viewer] });
      expectNothingTold(answer, viewer);
    }
  });

  test("tells a stranger the same of what is there and of what is not", async () => {
    const target = scene.target("stranger");
    const nowhere = { ...target, conversationId: randomUUID(), messageId: randomUUID(), deviceId: randomUUID() };
    const nobody = { ...nowhere, userId: randomUUID(), bystanderId: target.bystanderId };
    if (row.endsSession || row.statuses.stranger < 400) return;
    const there = await ask(name, row, "stranger");
    const { method, path, body } = requestOf(name, row.payload(nobody, scene.people.stranger.userId));
    const notThere = await scene.api.ask(method, path, { token: scene.people.stranger.token, ...body });
    expect(comparable(there)).toEqual(comparable(notThere));
  });

  test("works for whom it is for", async () => {
    const { target, position } = await scene.disposable();
    const own = row.control === "admin" ? scene.admin : scene.owner;
    const person = row.endsSession ? await scene.again(own) : own;
    const { method, path, body } = requestOf(name, row.payload(target, scene.people.fellow.userId));
    const headers = method === "GET" ? after({ position }) : {};
    const answer = await scene.api.ask(method, path, { token: person.token, ...body, ...headers });
    expect(answer).toMatchObject({ status: expect.toSatisfy((status: number) => status < 300) });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("is the same on the socket", async () => {
    if (!commands.has(name)) return;
    for (const viewer of signed.filter((one) => row.statuses[one] >= 400)) {
      const socket = await liveSocket(scene.url, scene.people[viewer].token);
      const answer = await socket.command(name, payloadFor(row, viewer));
      await socket.close();
      const code = row.statuses[viewer] === 404 ? "not-found" : "forbidden";
      expect({ viewer, type: answer.type, code: answer.code }).toEqual({ viewer, type: "reject", code });
      if (isOutside(viewer)) expect(JSON.stringify(answer)).not.toContain(CANARY);
    }
    const { target } = await scene.disposable();
    const socket = await liveSocket(scene.url, scene.owner.token);
    const done = await socket.command(name, row.payload(target, scene.people.fellow.userId));
    await socket.close();
    expect(done).toMatchObject({ type: "ack" });
  });
});

test("no socket opens for whom no token holds", async () => {
  for (const viewer of unauthenticated) {
    const socket = await openSocket(scene.url);
    socket.send({ type: "hello", token: scene.tokens[viewer] ?? "" });
    expect({ viewer, code: await socket.closed }).toEqual({ viewer, code: 4001 });
    expect(JSON.stringify(socket.frames)).not.toContain(CANARY);
  }
});

async function answersAlike(name: string, row: Open): Promise<void> {
  for (const token of [...signed, ...unauthenticated].map((viewer) => scene.tokens[viewer])) {
    const { method, path, body } = requestOf(name, row.payload());
    const answer = await scene.api.ask(method, path, { ...(token ? { token } : {}), ...body });
    expect(answer.status).toBe(row.status);
    expectNothingTold(answer, "nobody");
  }
}

const payloadFor = (row: Expectation, viewer: Signed): Body =>
  row.payload(scene.target(viewer), scene.people[viewer].userId);

async function ask(name: string, row: Expectation, viewer: Signed): Promise<Answer> {
  const person: Person = row.endsSession
    ? await scene.again(scene.people[viewer], viewer === "otherTenant" ? "elsewhere" : "main")
    : scene.people[viewer];
  const { method, path, body } = requestOf(name, payloadFor(row, viewer));
  return scene.api.ask(method, path, { token: person.token, ...body });
}

/** The payload as the door's route takes it: in the path, the query or the body. */
function requestOf(name: string, payload: Body) {
  const door = doors.get(name);
  if (!door) throw new Error(`the server has no ${name}`);
  const rest = new Map(Object.entries(payload));
  const path = door.path.replace(/\{(\w+)\}/g, (_, parameter: string) => {
    const value = rest.get(parameter);
    rest.delete(parameter);
    return encodeURIComponent(String(value));
  });
  const { method } = door;
  if (method !== "GET") return { method, path, body: rest.size > 0 ? { body: Object.fromEntries(rest) } : {} };
  const query = new URLSearchParams([...rest].map(([key, value]): [string, string] => [key, String(value)]));
  return { method, path: rest.size > 0 ? `${path}?${query}` : path, body: {} };
}

/** Nothing of a conversation reaches who is no member, nothing of before reaches who came later, no answer is cached. */
function expectNothingTold({ body, headers }: Answer, viewer: string): void {
  expect(headers.get("cache-control")).toBe("no-store");
  const text = JSON.stringify(body);
  if (viewer === "latecomer") expect(text).not.toContain(EARLY);
  else if (viewer !== "guest" && viewer !== "fellow") expect(text).not.toContain(CANARY);
}

let preview = true;
/** The conversation as it is, to be compared with how it is later. */
async function seenByOwner() {
  const { owner } = scene;
  const { conversationId, messageId } = scene.target("owner");
  const at = `/conversations/${conversationId}`;
  // A change of one's own that is none of what is compared: its position is the log's head.
  preview = !preview;
  const before = await owner.put("/me/preferences", { quietHours: null, preview, enabled: true });
  const all = [at, `${at}/members`, `${at}/messages/${messageId}`, `/me/devices`].map((path) =>
    owner.get(path, after(before)),
  );
  return (await Promise.all(all)).map(comparable);
}

async function published() {
  const Paths = z.object({ paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))) });
  const { paths } = Paths.parse(await (await fetch(`${scene.url}/openapi.json`)).json());
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, { operationId }]) => [operationId, { method: method.toUpperCase(), path }] as const,
      ),
    ),
  );
}

async function publishedCommands() {
  const Operations = z.object({ operations: z.record(z.string(), z.unknown()) });
  const { operations } = Operations.parse(await (await fetch(`${scene.url}/asyncapi.json`)).json());
  const prefix = "receive.command.";
  return new Set(Object.keys(operations).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : [])));
}
