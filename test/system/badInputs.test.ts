import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Answer, apiOf, group, type Person, passwordOf, send } from "../support/apiClient.ts";
import { startInProcess } from "../support/inProcess.ts";

const Operation = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() })).default([]),
  requestBody: z
    .object({
      content: z.object({
        "application/json": z.object({
          schema: z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() }),
        }),
      }),
    })
    .optional(),
});
const Contract = z.object({ paths: z.record(z.string(), z.record(z.string(), Operation)) });

interface Route {
  readonly name: string;
  readonly method: string;
  /** With what is there in its path. */
  readonly path: string;
  readonly query: readonly string[];
  readonly fields: readonly string[];
}

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let ada: Person;
let bo: Person;
let routes: Route[];

beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const conversationId = await group(ada, [bo]);
  const { messageId } = await send(ada, conversationId, "hello");
  const there: Readonly<Record<string, string>> = {
    conversationId,
    messageId,
    userId: bo.userId,
    deviceId: randomUUID(),
    erasureId: randomUUID(),
    holdId: randomUUID(),
    exportId: randomUUID(),
    grantId: randomUUID(),
    caseId: randomUUID(),
    emoji: encodeURIComponent("👍"),
  };
  const { paths } = Contract.parse(await (await fetch(`${server.url}/openapi.json`)).json());
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path: path.replace(/\{(\w+)\}/g, (_, name: string) => there[name] ?? expect.unreachable(`no ${name} is there`)),
      query: parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name),
      fields: Object.keys(requestBody?.content["application/json"].schema.properties ?? {}),
    })),
  );
}, 60_000);
afterAll(() => server?.stop());

/** Nothing that is sent here may come back. */
const CANARY = "persimmon-52";

const GARBAGE: readonly unknown[] = [
  null,
  true,
  7,
  -1,
  1.5,
  1e300,
  "",
  CANARY,
  `${CANARY}\u0000`,
  `\ud800${CANARY}`,
  "9".repeat(400),
  [],
  [CANARY],
  [[CANARY]],
  [null],
  {},
  { [CANARY]: CANARY },
  { $ne: null },
  { length: 10_000_000 },
];

/** Whatever it is, it is answered: no exception of ours, and nothing of what was sent. */
function isAnswered(answer: Answer, what: string) {
  expect(answer.status, what).toBeLessThan(500);
  if (answer.status < 400) return;
  expect(answer.headers.get("content-type"), what).toBe("application/problem+json");
  const { status, code, traceId, title } = answer.body;
  expect({ status, code, title, traceId }, what).toEqual({
    status: answer.status,
    code: expect.any(String),
    title: expect.any(String),
    traceId: expect.any(String),
  });
  expect(JSON.stringify(answer.body), what).not.toContain(CANARY);
}

const isOpen = ({ name }: Route) => name !== "Logout";
const withBody = () => routes.filter(({ method, name }) => method !== "GET" && name !== "Logout");

describe("every route", () => {
  test("is looked at", () => {
    expect(routes.length).toBeGreaterThan(35);
    expect(routes.filter(({ fields }) => fields.length > 0).length).toBeGreaterThan(12);
  });

  test("refuses values of the wrong kind in each of its fields, and repeats none", async () => {
    const root = await api.login("root");
    for (const { name, method, path, fields } of withBody())
      for (const field of fields)
        for (const value of GARBAGE) {
          const raw = JSON.stringify({ [field]: value });
          const { token } = /\/(admin|compliance)\//.test(path) ? root : ada;
          isAnswered(await api.ask(method, path, { raw, token }), `${name} ${raw.slice(0, 80)}`);
        }
  }, 120_000);

  test("refuses bodies that are no object of its fields", async () => {
    const padded = JSON.stringify({ [CANARY]: "x".repeat(1024 * 1024) });
    for (const { name, method, path } of withBody()) {
      const ask = (raw: string) => api.ask(method, path, { raw, token: ada.token });
      for (const raw of ["[]", "7", `"${CANARY}"`, "true", "{", "{}{}", `{"${CANARY}":1}`, `["${CANARY}"]`]) {
        const answer = await ask(raw);
        isAnswered(answer, `${name} ${raw}`);
        expect([400, 409], `${name} ${raw}`).toContain(answer.status);
      }
      expect((await ask(padded)).status, name).toBe(413);
    }
  }, 60_000);

  test("takes JSON alone, and nothing compressed", async () => {
    const zipped = new Uint8Array(gzipSync(JSON.stringify({ text: "x".repeat(10_000_000) })));
    for (const { name, method, path } of withBody()) {
      const compressed = { raw: zipped, token: ada.token, headers: { "content-encoding": "gzip" } };
      for (const request of [
        compressed,
        { raw: `${CANARY}=1`, token: ada.token, headers: { "content-type": "application/x-www-form-urlencoded" } },
        { raw: `--x\r\n${CANARY}`, token: ada.token, headers: { "content-type": "multipart/form-data; boundary=x" } },
        { raw: "{}", token: ada.token, headers: { "content-type": CANARY } },
      ]) {
        const answer = await api.ask(method, path, request);
        isAnswered(answer, name);
        expect(answer.status, name).toBe(415);
      }
    }
  });

  test("refuses parameters that come twice, or that it does not have", async () => {
    for (const { name, path, query } of routes.filter(({ method }) => method === "GET")) {
      for (const parameter of query) {
        const answer = await ada.get(`${path}?${parameter}=${CANARY}&${parameter}=${CANARY}`);
        isAnswered(answer, `${name} ${parameter}`);
        expect(answer.status, `${name} ${parameter}`).toBe(400);
      }
      for (const stranger of [`${CANARY}=1`, "__proto__=1", "constructor=1", "limit[$gt]=1", "cursor[]=x"]) {
        const answer = await ada.get(`${path}?${stranger}`);
        isAnswered(answer, `${name} ${stranger}`);
        expect(answer.status, `${name} ${stranger}`).toBe(400);
      }
    }
  });

  test("reads no body on GET", async () => {
    for (const { name, path } of routes.filter(({ method }) => method === "GET")) {
      const body = `{"${CANARY}":1}`;
      const status = await new Promise((resolve, refuse) => {
        const headers = {
          authorization: `Bearer ${ada.token}`,
          "content-type": "application/json",
          "content-length": body.length,
        };
        const asked = request(server.url + path, { method: "GET", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on("error", refuse);
        asked.end(body);
      });
      expect([200, 400, 403, 404], name).toContain(status);
    }
  });

  test("is at its own address alone, by its own methods alone", async () => {
    for (const { name, method, path } of routes.filter(isOpen)) {
      const { token } = ada;
      expect([404, 405], `${name} with a slash`).toContain((await api.ask(method, `${path}/`, { token })).status);
      for (const other of ["HEAD", "OPTIONS"]) {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await fetch(server.url + path, { method: other, headers });
        expect(answer.status, `${other} ${path}`).toBe(405);
        expect(answer.headers.get("allow")).toContain(method);
      }
    }
  });

  test("is found under no other name, however strange or long", async () => {
    const strange = ["%00", "%", "%ff", "%2e%2e", "..%2f..%2fetc%2fpasswd", "'", "{}", "a b", "\\", "x".repeat(600)];
    for (const { name, method, path } of routes.filter((route) => isOpen(route) && /[0-9a-f]{8}-/.test(route.path)))
      for (const part of strange) {
        const answer = await api.ask(method, path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, part), { token: ada.token });
        expect([404, 400], `${name} ${part}`).toContain(answer.status);
        isAnswered(answer, `${name} ${part}`);
      }
    const long = await fetch(`${server.url}/api/v1/${"x".repeat(100_000)}`);
    expect([long.status, long.headers.get("content-type")]).toEqual([413, "application/problem+json"]);
    expect(await long.json()).toMatchObject({ status: 413, code: "too-large", traceId: expect.any(String) });
    expect((await ada.get("/me")).status).toBe(200);
  });
});

test("the shape of a message is looked at before whose conversation it is for", async () => {
  const conversationId = await group(ada, []);
  const { messageId } = await send(ada, conversationId, "one");
  for (const said of [{ text: " " }, { text: null }, { kind: "encrypted" }, { text: "one", ciphertext: "AAEC" }])
    expect(
      (await bo.post(`/conversations/${conversationId}/messages`, { messageId: randomUUID(), ...said })).status,
    ).toBe(400);
  expect((await bo.patch(`/conversations/${conversationId}/messages/${messageId}`, { text: "two" })).status).toBe(404);
});

test("numbers in texts, and texts in numbers, are not taken for each other", async () => {
  const conversationId = await group(ada, [bo]);
  const { messageId } = await send(ada, conversationId, "one");
  const at = `/conversations/${conversationId}`;
  for (const seq of ["1", [1], { valueOf: 1 }, true, null, 0.5, -1, 2 ** 53])
    expect((await ada.post(`${at}/read`, { seq })).status, String(seq)).toBe(400);
  for (const text of [1, ["one"], { text: "one" }, true])
    expect((await ada.patch(`${at}/messages/${messageId}`, { text })).status, String(text)).toBe(400);
  for (const mentions of [bo.userId, { 0: bo.userId }, [[bo.userId]], [{ userId: bo.userId }]])
    expect((await ada.patch(`${at}/messages/${messageId}`, { text: "two", mentions })).status).toBe(400);
  for (const limit of ["0", "201", "-1", "1.5", "NaN", "ten", "%20", "", "1e2", "0x10", "%2B5", "5.0", "%205"])
    expect((await ada.get(`${at}/messages?limit=${limit}`)).status, limit).toBe(400);
  for (const ifMatch of ["seven", "1.5", "*", "W/1", "", "1e1", "0x10", '""'])
    expect(
      (await ada.patch(`${at}/messages/${messageId}`, { body: { text: "two" }, headers: { "if-match": ifMatch } }))
        .status,
    ).toBe(400);
});
