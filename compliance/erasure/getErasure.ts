import { z } from "zod";
import type { Engine } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
import { readApproval, standingOf } from "../approvals/approval.ts";
import type { ComplianceParts } from "../parts.ts";
import { type Erasure, readErasure, statusOf } from "./readErasure.ts";

const At = z.iso.datetime({ precision: 3 });

export const ErasureReport = z.strictObject({
  erasureId: Uuid,
  userId: Uuid,
  partial: z.boolean(),
  status: z
    .enum(["waiting", "lapsed", "running", "held", "done", "failed"])
    .describe("`waiting`: for a second officer; `lapsed`: none came in time."),
  position: z.int(),
  effectiveAt: At.nullable().describe("From then on nothing that the person wrote can be read anywhere."),
  finalAt: At.nullable().describe("From then on no old copy of the keys gives it back; at most 14 days on."),
  sinks: z.array(
    z.strictObject({ name: z.string(), status: z.enum(["waiting", "done"]), items: z.int(), doneAt: At.nullable() }),
  ),
  heldBy: z.array(Uuid).describe("The holds that stand in its way."),
  namesToReview: z.array(Uuid).describe("Conversations whose name holds the person's."),
  certificate: z.string().nullable().describe("A signed note; another one follows when the erasure is final."),
});

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** @param sinks the names of those that it is to be swept of */
export function reportOf(erasure: Erasure, sinks: readonly string[]): z.input<typeof ErasureReport> {
  const { erasureId, userId, partial, position, effectiveAt, finalAt, swept, certificates, heldBy } = erasure;
  const names = erasure.completedAt === undefined ? new Set([...sinks, ...swept.keys()]) : swept.keys();
  return {
    erasureId,
    userId,
    partial,
    status: statusOf(erasure),
    position,
    effectiveAt: time(effectiveAt),
    finalAt: time(finalAt),
    sinks: [...names].map((name) => {
      const done = swept.get(name);
      return { name, status: done ? "done" : "waiting", items: done?.items ?? 0, doneAt: time(done?.doneAt) };
    }),
    heldBy: [...heldBy],
    namesToReview: [...(erasure.namesToReview ?? [])],
    certificate: certificates.finality ?? certificates.completion ?? null,
  };
}

/** One that is not approved yet. */
async function waitingErasure(
  engine: Engine,
  erasureId: string,
  { tenant, now }: By,
): Promise<z.input<typeof ErasureReport> | undefined> {
  const asked = await readApproval(engine, tenant, erasureId);
  if (asked?.what.action !== "erase") return undefined;
  const { what, position } = asked;
  return {
    erasureId,
    userId: what.userId,
    partial: what.partial ?? false,
    status: standingOf(asked, now.getTime()) === "lapsed" ? "lapsed" : "waiting",
    position,
    effectiveAt: null,
    finalAt: null,
    sinks: [],
    heldBy: [],
    namesToReview: [],
    certificate: null,
  };
}

export const GetErasure = door({
  name: "GetErasure",
  route: "GET /api/v1/compliance/erasures/:erasureId",
  summary: "How far an erasure has come, place by place, and its certificate.",
  status: 200,
  access: ["compliance", "auditor"],
  socket: false,
  audited: true,
  payload: z.strictObject({ erasureId: Uuid }),
  result: ErasureReport,

  async run({ erasureId }, by, { accounts: { engine, database }, erasures }: ComplianceParts) {
    const erasure = await readErasure(engine, by.tenant, erasureId);
    const waiting = erasure ? undefined : await waitingErasure(engine, erasureId, by);
    const report = erasure ? reportOf(erasure, erasures.sinks) : waiting;
    if (!report) return reject("not-found", "no such erasure");
    const about = { erasureId, userId: report.userId };
    const refused = await writtenDown({ database, engine }, lookingBy(by), "read-erasure", about);
    return refused ?? { body: report };
  },
});
