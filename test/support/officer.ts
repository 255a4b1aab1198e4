import { setTimeout as pause } from "node:timers/promises";
import { apiOf, type Body, passwordOf } from "./apiClient.ts";
import { startInProcess } from "./inProcess.ts";

const WAITS_MS = 30_000;

/** A whole server in this process, and its first account, which has all rights: a compliance officer's too. */
export async function startWithOfficer(environment: Readonly<Record<string, string>> = {}) {
  const server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}`, ...environment });
  const api = apiOf(server.url);
  const officer = await api.login("root");
  return {
    server,
    api,
    officer,
    /** The report of an erasure, once it is as wished. */
    async erasure(erasureId: unknown, isWished: (report: Body) => boolean): Promise<Body> {
      const until = performance.now() + WAITS_MS;
      for (;;) {
        const { body } = await officer.get(`/compliance/erasures/${erasureId}`);
        if (isWished(body)) return body;
        if (performance.now() > until) throw new Error(`not as wished: ${JSON.stringify(body)}`);
        await pause(50);
      }
    },
  };
}
