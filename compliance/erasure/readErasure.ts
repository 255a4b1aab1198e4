import type { Engine } from "../../commands/index.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { streamId } from "../../domain/ids.ts";

export interface SweptSink {
  readonly items: number;
  /** Milliseconds since 1970. */
  readonly doneAt: number;
}

/** An erasure as its stream tells it. Times are in milliseconds since 1970. */
export interface Erasure {
  readonly tenant: string;
  readonly erasureId: string;
  readonly userId: string;
  readonly partial: boolean;
  /** Conversations whose names go with the person. */
  readonly redactNames: readonly string[];
  readonly requestedAt: number;
  /** Of its last event. */
  readonly position: number;
  /** Undefined until they were looked for. */
  readonly namesToReview: readonly string[] | undefined;
  /** Holds that stand in its way. */
  readonly heldBy: readonly string[];
  /** The step that was tried several times in vain. */
  readonly failed: string | undefined;
  readonly effectiveAt: number | undefined;
  /** Those that may open an old copy of the secret. */
  readonly weekKeys: readonly string[];
  readonly swept: ReadonlyMap<string, SweptSink>;
  /** The position of the event that says so. */
  readonly completedAt: number | undefined;
  readonly finalAt: number | undefined;
  readonly certificates: { readonly completion?: string; readonly finality?: string };
}

/** From the log itself, so it is never behind. Undefined where the case is no erasure. @throws LogUnavailable */
export async function readErasure(
  { log }: Pick<Engine, "log">,
  tenant: string,
  erasureId: string,
): Promise<Erasure | undefined> {
  let found: Erasure | undefined;
  for await (const recorded of log.readStream(streamId(tenant, "compliance", erasureId))) {
    const facts = decodeFacts(recorded);
    const { position, recordedAt } = recorded;
    if (facts.type === "ErasureRequested")
      found = {
        ...unprepared,
        tenant,
        erasureId,
        userId: facts.data.userId,
        partial: facts.data.partial ?? false,
        redactNames: facts.data.redactNames ?? [],
        requestedAt: recordedAt,
        position,
      };
    if (!found) return undefined;
    found = { ...found, position, heldBy: [], failed: undefined };
    switch (facts.type) {
      case "ErasurePrepared":
        found = { ...found, namesToReview: facts.data.namesToReview };
        break;
      case "ErasureHeld":
        found = { ...found, heldBy: facts.data.holdIds };
        break;
      case "ErasureTookEffect":
        found = { ...found, effectiveAt: Date.parse(facts.data.effectiveAt), weekKeys: facts.data.weekKeys };
        break;
      case "ErasureSinkSwept": {
        const { sink, items } = facts.data;
        found = { ...found, swept: new Map([...found.swept, [sink, { items, doneAt: recordedAt }]]) };
        break;
      }
      case "ErasureFailed":
        found = { ...found, failed: facts.data.sink };
        break;
      case "ErasureCompleted":
        found = { ...found, completedAt: position };
        break;
      case "ErasureBecameFinal":
        found = { ...found, finalAt: Date.parse(facts.data.finalAt) };
        break;
      case "ErasureCertified":
        found = { ...found, certificates: { ...found.certificates, [facts.data.of]: facts.data.certificate } };
        break;
      default:
        break;
    }
  }
  return found;
}

const unprepared = {
  namesToReview: undefined,
  heldBy: [],
  failed: undefined,
  effectiveAt: undefined,
  weekKeys: [],
  swept: new Map<string, SweptSink>(),
  completedAt: undefined,
  finalAt: undefined,
  certificates: {},
} as const;

export type ErasureStatus = "running" | "held" | "done" | "failed";

/** Done is what everything was swept of, and no process can open any more. */
export function statusOf({ completedAt, heldBy, failed }: Erasure): ErasureStatus {
  if (completedAt !== undefined) return "done";
  if (heldBy.length > 0) return "held";
  return failed === undefined ? "running" : "failed";
}
