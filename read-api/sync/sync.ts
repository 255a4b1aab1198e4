import { z } from "zod";
import { Limit, query } from "../query.ts";
import { Change } from "../shapes.ts";
import { syncPage } from "./syncPage.ts";

export const Sync = query({
  name: "Sync",
  route: "GET /api/v1/sync",
  summary: "What changed for oneself since a cursor; without one that holds, everything, after `reset`.",
  payload: { cursor: z.string().optional(), limit: Limit },
  result: z.strictObject({
    changes: z.array(Change),
    cursor: z.string(),
    more: z.boolean(),
    reset: z.boolean(),
  }),
  async run({ cursor, limit }, by, parts) {
    const { changes, cursor: next, more, reset } = await syncPage(parts, by, cursor, limit);
    return { changes: [...changes], cursor: next, more, reset };
  },
});
