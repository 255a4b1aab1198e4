import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../infra/postgres/database.ts";
import { apiOf, group, send } from "../support/apiClient.ts";
import { liveSocket, openSocket } from "../support/apiSocket.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { disguises, tracesIn, tracesInFiles, tracesInTables } from "./traces.ts";

/** Every personal word of this test holds it. */
const CANARY = `q${randomBytes(8).toString("hex")}z`;
const word = (field: string) => `${CANARY}${field}`;

let folder: string;
let temporary: string;
let server: TestServer;
let database: ReturnType<typeof openDatabase>;
let output = "";
let cluster: string;

async function start() {
  server = await startServer({ SCRIPTA_DATA: folder, SCRIPTA_LOG_LEVEL: "trace", TMPDIR: temporary });
  output += server.output();
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
  };
  server.child.stdout?.on("data", keep);
  server.child.stderr?.on("data", keep);
  database = openDatabase((await readFile(join(folder, "postgres.url"), "utf8")).trim(), { max: 1 });
  const { rows } = await database.query<{ data_directory: string }>("show data_directory");
  cluster = rows[0]?.data_directory ?? "";
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-canary-"));
  temporary = await mkdtemp(join(tmpdir(), "scripta-canary-temporary-"));
  await start();
}, 60_000);
afterAll(async () => {
  await database?.close();
  await server?.stop();
  for (const path of [folder, temporary]) await rm(path, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

async function tracesOnDisk(of: string) {
  const places = [...new Set([folder, temporary, cluster])];
  const searched = await Promise.all(places.map((place) => tracesInFiles(place, of)));
  return { files: searched.reduce((sum, { files }) => sum + files, 0), found: searched.flatMap(({ found }) => found) };
}

/** Says the canary in every field that can hold a personal word, where it is taken and where it is refused. */
async function sing(): Promise<void> {
  const api = apiOf(server.url);
  const password = `secret ${word("password")}`;
  const registration = (name: string) => ({ username: word(name), password, displayName: `Dr ${word("display")}` });
  const device = { name: `Phone of ${word("device")}`, platform: "test" };
  const key = { "idempotency-key": randomUUID() };
  for (const username of ["a", "a", "b"])
    await api.ask("POST", "/auth/register", { body: registration(username), headers: username === "a" ? key : {} });
  await api.ask("POST", "/auth/register", { body: registration("a") });
  await api.ask("POST", "/auth/register", { body: { ...registration("c"), tenant: "nowhere" } });
  await api.ask("POST", "/auth/register", { body: { ...registration("c"), [word("field")]: word("value") } });
  const signIn = (name: string, secret = password) =>
    api.ask("POST", "/auth/login", { body: { username: word(name), password: secret, device } });
  for (let n = 0; n < 12; n++) await signIn("nobody");
  for (let n = 0; n < 12; n++) await signIn("b", `wrong ${word("wrong")}`);
  await api.ask("POST", "/auth/exchange", { body: { token: word("token"), device } });
  await api.ask("POST", "/auth/refresh", { body: { refreshToken: word("refresh") } });
  const { body: signedIn } = await signIn("a");
  expect(signedIn).toHaveProperty("accessToken");
  const token = String(signedIn.accessToken);

  const bo = await api.person("bo");
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.ask(method, path, { token, headers, ...(body === undefined ? {} : { body }) });
  const made = await ask("POST", "/conversations", {
    kind: "group",
    name: `Ward of ${word("group")}`,
    members: [{ userId: bo.userId }],
  });
  expect(made.status).toBe(201);
  const here = `/conversations/${made.body.conversationId}`;
  await ask("PATCH", here, { name: word("renamed"), description: `About ${word("description")}` });
  await ask("PATCH", "/me", { displayName: `Prof ${word("profile")}` });
  const message = (text: string, more = {}) => ({ messageId: randomUUID(), kind: "text", text, ...more });
  const first = message(`Diagnosis: ${word("text")}, @${word("mention")}, https://example.org/${word("link")}`);
  expect((await ask("POST", `${here}/messages`, first)).status).toBe(201);
  expect((await ask("POST", `${here}/messages`, first)).status).toBe(201);
  expect((await ask("POST", `${here}/messages`, { ...first, text: word("conflict") })).status).toBe(409);
  const edited = { text: `Now ${word("edited")}` };
  expect((await ask("PATCH", `${here}/messages/${first.messageId}`, edited)).status).toBe(200);
  const gone = message(word("deleted"));
  await ask("POST", `${here}/messages`, gone);
  expect((await ask("DELETE", `${here}/messages/${gone.messageId}`)).status).toBe(200);
  // Long and repetitive, so that it would be compressed where it is kept.
  expect((await ask("POST", `${here}/messages`, message(`${word("long")} `.repeat(400)))).status).toBe(201);
  const ciphertext = Buffer.from(word("ciphertext")).toString("base64");
  const encrypted = { messageId: randomUUID(), kind: "encrypted", ciphertext, keyInfo: { to: word("keyinfo") } };
  expect((await ask("POST", `${here}/messages`, encrypted)).status).toBe(201);

  for (const refused of [
    message(word("toolarge").repeat(1_000)),
    message(word("mention"), { mentions: [randomUUID()] }),
    message(word("reply"), { replyTo: randomUUID() }),
    message(word("surplus"), { [word("name")]: word("more") }),
    message(word("kind"), { kind: word("kind") }),
    message(`${word("zero")}\u0000`),
  ])
    expect((await ask("POST", `${here}/messages`, refused)).status).toBeGreaterThanOrEqual(400);
  const stranger = await api.person("zoe");
  await stranger.post(`${here}/messages`, message(word("stranger")));
  const raw = `{"text": "${word("broken")}`;
  await api.ask("POST", `${here}/messages`, { token, raw });
  await api.ask("POST", `${here}/messages`, { token, raw, headers: { "content-type": `text/${word("type")}` } });
  await api.ask("POST", `${here}/messages`, { token, raw: word("huge").repeat(20_000) });
  await ask("PUT", `${here}/messages/${first.messageId}/reactions/${word("reaction")}`);
  await ask("GET", `/users?username=${word("b")}`);
  await ask("GET", `/users?username=${word("searched")}&${word("query")}=${word("value")}`);
  await ask("GET", `/${word("path")}/%ff`);
  await ask("GET", `${here}/messages?before=${word("before")}`);
  await ask("GET", `/sync?cursor=${word("cursor")}`);
  await ask("PUT", `${here}/preferences`, { notify: word("notify"), mutedUntil: word("muted") });
  const headers = { "user-agent": word("agent"), traceparent: word("trace"), "idempotency-key": word("key") };
  await ask("POST", `${here}/messages`, message(word("headers")), headers);
  await api.ask("GET", "/me", { token: word("bearer") });

  const socket = await liveSocket(server.url, token);
  const conversationId = made.body.conversationId;
  await socket.command("SendMessage", { conversationId, ...message(word("socket")) }, word("id"));
  await socket.command("SendMessage", { conversationId, ...message(word("socket"), { [word("x")]: word("y") }) });
  await socket.command(word("command"), { [word("payload")]: word("payload") });
  await socket.command("UpdateProfile", { displayName: word("socketprofile") });
  socket.send(`{"type": "${word("frame")}`);
  await socket.closed;
  const other = await openSocket(server.url);
  other.send({ type: "hello", token: word("hello"), cursor: word("hello") });
  await other.closed;

  // What was read was opened, and is kept in memory; nothing of it may go to disk.
  for (const path of [here, "/conversations", `${here}/messages`, `${here}/members`, "/sync", "/me", "/me/devices"])
    expect(JSON.stringify((await bo.get(path)).body)).not.toBe("");
  expect(JSON.stringify((await ask("GET", `${here}/messages/${first.messageId}/history`)).body)).toContain(
    word("text"),
  );
  expect(JSON.stringify((await bo.get(`${here}/messages`)).body)).toContain(word("edited"));
  // Many events make snapshots of what commands decide on.
  const busy = await group(bo, [stranger], word("busy"));
  for (let n = 0; n < 120; n++) await send(bo, busy, `${word("busy")} ${n}`);
}

test("no personal word lies on the disk, in a table or in a log, in any encoding, also after a kill", async () => {
  await sing();
  await database.query("checkpoint");
  // Positive control: what looks for the word finds it wherever it is planted.
  expect(tracesIn(Buffer.from(`…${CANARY}…`), "here", CANARY)).not.toEqual([]);

  const rows = await tracesInTables(database, CANARY);
  expect(rows.rows).toBeGreaterThan(200);
  expect(rows.found).toEqual([]);
  const before = await tracesOnDisk(CANARY);
  expect(before.files).toBeGreaterThan(500);
  expect(before.found).toEqual([]);
  expect(output).toContain("Scripta");
  expect(tracesIn(Buffer.from(output), "its output", CANARY)).toEqual([]);

  await database.close();
  await server.kill();
  expect((await tracesOnDisk(CANARY)).found).toEqual([]);
  await start();
  await database.query("checkpoint");
  expect((await tracesOnDisk(CANARY)).found).toEqual([]);
  expect((await tracesInTables(database, CANARY)).found).toEqual([]);
  expect(tracesIn(Buffer.from(output), "its output", CANARY)).toEqual([]);
}, 180_000);

test("the search finds what is planted: in a file in each encoding, in a row, also in a compressed one, and in WAL", async () => {
  const planted = `p${randomBytes(8).toString("hex")}x`;
  expect((await tracesOnDisk(planted)).found).toEqual([]);
  const ways = [...disguises(planted)];
  const inBase64 = ["", "a", "ab"].map((before) => Buffer.from(`${before}${planted} and more`).toString("base64"));
  for (const [index, bytes] of [...ways.map(([, bytes]) => bytes), ...inBase64].entries())
    await writeFile(join(folder, `planted-${index}`), Buffer.concat([randomBytes(1_000), Buffer.from(bytes)]));
  const { found } = await tracesOnDisk(planted);
  for (let index = 0; index < ways.length + inBase64.length; index++)
    expect(found.some((trace) => trace.includes(`planted-${index} `))).toBe(true);
  for (const [way] of ways) expect(found.join()).toContain(` as ${way}`);
  await database.query("create table planted (text text, bytes bytea)");
  await database.query("insert into planted values ($1, $2)", ["x", Buffer.from(planted)]);
  expect((await tracesInTables(database, planted)).found).not.toEqual([]);
  await database.query("update planted set bytes = null, text = $1", [`${planted} `.repeat(10_000)]);
  expect((await tracesInTables(database, planted)).found).not.toEqual([]);
  await database.query("drop table planted");
  // The rows are gone, and WAL still tells.
  expect((await tracesOnDisk(planted)).found.join()).toContain("pg_wal");
}, 120_000);
