import { z } from "zod";
import type { Facts, Placed } from "../event.ts";
import type { ComplianceEvent } from "./events.ts";

/** One erasure, one hold, one person's emergency access to one conversation, one export, or the tenant's access log, as deciding needs it. */
export const ComplianceCase = z.object({
  kind: z.enum(["none", "erasure", "hold", "access-log", "break-glass", "export", "approval"]),
  /** Each step that is done, with the revision of the event that says so. */
  done: z.map(z.string(), z.int()),
  /** Of an erasure: the holds that stand in its way; a sink that failed. Whatever gets done next ends both. */
  obstacle: z.object({ holdIds: z.array(z.string()), sink: z.string().nullable() }),
  /** Of the event that told of the obstacle. */
  obstacleAt: z.int(),
  /** Of an approval: who asked for it last, and until when it can be given. */
  asked: z.object({ by: z.string(), expiresAt: z.string() }).nullable(),
});
export type ComplianceCase = z.infer<typeof ComplianceCase>;

const noObstacle = () => ({ holdIds: [], sink: null });

export const newCase = (): ComplianceCase => ({
  kind: "none",
  done: new Map(),
  obstacle: noObstacle(),
  obstacleAt: -1,
  asked: null,
});

/** What an event says is done, by a name that is unique within its case; undefined where it tells of an obstacle. */
export function stepOf(event: Facts<ComplianceEvent>): string | undefined {
  switch (event.type) {
    case "ErasureHeld":
    case "ErasureFailed":
      return undefined;
    case "ErasureSinkSwept":
      return `${event.type} ${event.data.sink}`;
    case "ErasureCertified":
      return `${event.type} ${event.data.of}`;
    case "ExportGivenOut":
      return `${event.type} ${event.data.manifest}`;
    case "ErasureRequested":
    case "ErasurePrepared":
    case "ErasureTookEffect":
    case "ErasureCompleted":
    case "ErasureBecameFinal":
    case "HoldPlaced":
    case "HoldLifted":
    case "AccessLogSealed":
    case "BreakGlassOpened":
    case "BreakGlassEnded":
    case "ExportRequested":
    case "ApprovalAsked":
    case "ApprovalGiven":
      return event.type;
    default:
      return event satisfies never;
  }
}

/** Changes the case in place: its mailbox owns it alone. */
export function evolve(it: ComplianceCase, event: Placed<ComplianceEvent>): void {
  const { revision } = event;
  if (event.type === "ErasureRequested") it.kind = "erasure";
  if (event.type === "HoldPlaced") it.kind = "hold";
  if (event.type === "AccessLogSealed") it.kind = "access-log";
  if (event.type === "BreakGlassOpened") it.kind = "break-glass";
  if (event.type === "ExportRequested") it.kind = "export";
  if (event.type === "ApprovalAsked") {
    it.kind = "approval";
    it.asked = { by: event.data.askedBy, expiresAt: event.data.expiresAt };
  }
  const step = stepOf(event);
  if (step !== undefined) it.done.set(step, revision);
  it.obstacle = noObstacle();
  if (event.type === "ErasureHeld") it.obstacle.holdIds = event.data.holdIds;
  if (event.type === "ErasureFailed") it.obstacle.sink = event.data.sink;
  it.obstacleAt = revision;
}

/** The revision of the event that says the same already; undefined where this one is news. */
export function saidAt(it: ComplianceCase, event: Facts<ComplianceEvent>): number | undefined {
  const { obstacle, obstacleAt } = it;
  if (event.type === "ErasureHeld")
    return obstacle.holdIds.join() === event.data.holdIds.join() ? obstacleAt : undefined;
  if (event.type === "ErasureFailed") return obstacle.sink === event.data.sink ? obstacleAt : undefined;
  return it.done.get(stepOf(event) ?? "");
}
