import { z } from "zod";
import { Change } from "../../read-api/shapes.ts";
import type { Person } from "./apiClient.ts";
import { deviceState } from "./deviceState.ts";

const Page = z.strictObject({ changes: z.array(Change), cursor: z.string(), more: z.boolean(), reset: z.boolean() });

/** A device that keeps itself up by `GET /sync` and applies what comes as the contract says. */
export function syncingDevice(person: Person) {
  const state = deviceState(person.userId);
  let cursor: string | undefined;
  let resets = 0;
  return {
    state,
    resets: () => resets,
    /** Until there is no more; with `minPosition`, what the log held there is in it. */
    async pull(minPosition = 0, limit = 200) {
      for (;;) {
        const asked = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const { status, body } = await person.get(`/sync?limit=${limit}&minPosition=${minPosition}${asked}`);
        if (status !== 200) throw new Error(`no sync: ${status} ${JSON.stringify(body)}`);
        const page = Page.parse(body);
        if (page.reset) {
          resets++;
          state.reset();
        }
        state.apply(page.changes);
        cursor = page.cursor;
        if (!page.more) return;
      }
    },
  };
}
