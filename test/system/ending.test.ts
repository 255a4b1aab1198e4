import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startServer } from "../support/server.ts";

test("a server that is told to end does, though a connection was opened ahead and never used", async () => {
  const server = await startServer();
  const ahead = connect(Number(new URL(server.url).port), "127.0.0.1");
  await once(ahead, "connect");
  const ended = once(ahead, "close");
  const toldAt = performance.now();
  // By itself: whoever has to be killed has no exit code.
  expect(await server.stop()).toBe(0);
  expect(performance.now() - toldAt).toBeLessThan(10_000);
  await ended;
}, 90_000);
