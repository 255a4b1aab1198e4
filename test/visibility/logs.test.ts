import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { after, apiOf, group, passwordOf, send } from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";

let db: FreshDatabase;
let server: TestServer;
beforeAll(async () => {
  db = await freshDatabase();
  server = await startServer({ SCRIPTA_POSTGRES: db.url, SCRIPTA_LOG_LEVEL: "trace" });
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await db?.drop();
}, 60_000);

test("neither logs nor metrics hold tokens, passwords, names, texts or ids of people, whatever goes wrong", async () => {
  const api = apiOf(server.url);
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const tea = await group(ada, [bo], "a name that nobody logs");
  const said = await send(ada, tea, "a text that nobody logs");
  await bo.get(`/conversations/${tea}/messages`, after(said));
  await bo.get("/users?username=a-name-in-a-query");
  await api.ask("GET", `/me?token=${ada.token}`);
  await api.ask("POST", "/auth/login", { raw: `{"username": "${ada.username}", "password": "broken` });
  await bo.patch(`/conversations/${tea}/messages/${said.messageId}`, { text: "an edit that nobody logs", more: 1 });
  const socket = await liveSocket(server.url, bo.token);
  await socket.command("SendMessage", { conversationId: tea, messageId: "no id", text: "a command that nobody logs" });
  socket.send("garbage that nobody logs");
  expect(await socket.closed).toBe(4000);
  const large = await liveSocket(server.url, bo.token);
  large.send("x".repeat(10_000_000));
  expect(await large.closed).toBe(1009);
  const cutOff = connect(Number(new URL(server.url).port), "127.0.0.1");
  cutOff.write(
    "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
  );
  await api.ask("GET", "/me");
  cutOff.destroy();
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain("scripta_");
  await server.stop();

  const written = server.output() + metrics;
  const secret = [ada.token, ada.refreshToken, passwordOf(ada.username), ada.username, bo.username, "nobody logs"];
  const personal = [...secret, ada.userId, bo.userId, tea, said.messageId, "a-name-in-a-query"];
  expect(personal.filter((text) => written.includes(text))).toEqual([]);
  // What clients do wrong is no defect of the server's.
  expect(written).toContain('"level":30');
  expect(written).not.toContain('"level":50');
});
