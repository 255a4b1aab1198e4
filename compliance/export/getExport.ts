import { z } from "zod";
import { ExportScope } from "../../domain/compliance/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { readApproval, standingOf } from "../approvals/approval.ts";
import type { ExportParts } from "./parts.ts";
import { readExport } from "./readExport.ts";

const At = z.iso.datetime({ precision: 3 });

export const GetExport = door({
  name: "GetExport",
  route: "GET /api/v1/compliance/exports/:exportId",
  summary: "What an export is of, and each archive of it that was given out whole.",
  status: 200,
  access: ["compliance", "auditor"],
  socket: false,
  payload: z.strictObject({ exportId: Uuid }),
  result: z.strictObject({
    exportId: Uuid,
    ...ExportScope.shape,
    status: z
      .enum(["ready", "waiting", "lapsed"])
      .describe(
        "`ready`: its archive is made when it is fetched, none lies on the server; `waiting`: for a second officer.",
      ),
    requestedAt: At,
    archives: z.array(
      z.strictObject({
        givenAt: At,
        manifest: z.string().describe("SHA-256 of its manifest.json, in hexadecimal."),
        position: z.int().describe("Up to where it holds the log."),
        streams: z.int(),
        events: z.int(),
        files: z.int(),
      }),
    ),
  }),

  async run({ exportId }, { tenant, now }, { log, accounts }: ExportParts) {
    const found = await readExport(log, tenant, exportId);
    if (!found) {
      const asked = await readApproval(accounts.engine, tenant, exportId);
      if (asked?.what.action !== "export") return reject("not-found", "no such export");
      const status = standingOf(asked, now.getTime()) === "lapsed" ? ("lapsed" as const) : ("waiting" as const);
      const requestedAt = new Date(asked.askedAt).toISOString();
      return { body: { exportId, ...asked.what.scope, status, requestedAt, archives: [] } };
    }
    const { scope, requestedAt, archives } = found;
    return {
      body: {
        exportId,
        ...scope,
        status: "ready" as const,
        requestedAt: new Date(requestedAt).toISOString(),
        archives: archives.map(({ givenAt, ...made }) => ({ givenAt: new Date(givenAt).toISOString(), ...made })),
      },
    };
  },
});
