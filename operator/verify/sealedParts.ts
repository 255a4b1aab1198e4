import { declarationOf } from "../../domain/catalogue.ts";
import { parseStreamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable, type SecretStore } from "../../infra/ports/secrets.ts";
import { ContentTampered, createSealing, type Opened, type ToOpen } from "../../sealing/sealing.ts";
import type { Deviation } from "./findings.ts";

const AT_ONCE = 500;

type Sealed = RecordedEvent & { readonly sealed: NonNullable<RecordedEvent["sealed"]> };

export interface SealedParts {
  /** Resolves once it was looked at, or waits for more to be looked at with it. */
  add(event: RecordedEvent, data: unknown): Promise<void>;
  /** Looks at what waits. */
  finish(): Promise<void>;
  /** `unavailable`: could not be tried, since the keys do not answer; that says nothing about the log. */
  readonly counts: { opened: number; erased: number; unavailable: number };
}

/**
 * Each sealed part opens, bound to where it stands, and holds what its type says; or a half of its key was destroyed.
 * What it was sealed under is what its event says it must be.
 */
export function sealedParts(secrets: SecretStore, add: (deviation: Deviation) => void): SealedParts {
  // Nothing that was opened is kept: what is remembered says nothing about what lies there.
  const sealing = createSealing({ secrets, sizes: { opened: 1, contentKeys: 20_000, secrets: 20_000 } });
  const counts = { opened: 0, erased: 0, unavailable: 0 };
  let waiting: Sealed[] = [];

  const deviates = ({ stream, revision, position }: RecordedEvent, rule: string, found: string) =>
    add({ rule, found, stream, revision, position });

  async function look(events: readonly Sealed[]): Promise<void> {
    const opened = await sealing.open(events).catch((error: unknown) => {
      if (error instanceof ContentTampered || error instanceof KeysUnavailable) return undefined;
      throw error;
    });
    for (const [at, event] of events.entries()) {
      const part = opened ? opened[at] : await alone(event);
      if (part) holds(event, part);
    }
  }

  /** One of many did not open: which? */
  async function alone(event: Sealed): Promise<Opened | undefined> {
    try {
      return (await sealing.open([event]))[0];
    } catch (error) {
      if (error instanceof ContentTampered) deviates(event, "what is sealed opens", "it was altered");
      else if (!(error instanceof KeysUnavailable)) throw error;
      else if (await isMissing(event))
        deviates(
          event,
          "what is sealed opens, or its key was destroyed",
          "its key is not there, and nothing says that it was destroyed",
        );
      else counts.unavailable++;
      return undefined;
    }
  }

  async function isMissing({ stream, sealed: { subject, bucket } }: ToOpen): Promise<boolean> {
    const { tenant } = parseStreamId(stream);
    try {
      return (
        await secrets.get([
          { tenant, of: subject },
          { tenant, of: stream, bucket },
        ])
      ).includes(undefined);
    } catch (error) {
      if (error instanceof KeysUnavailable) return false;
      throw error;
    }
  }

  function holds(event: Sealed, part: Opened): void {
    if (part.state === "erased") {
      counts.erased++;
      return;
    }
    counts.opened++;
    const declaration = declarationOf(event.type);
    if (declaration?.version === event.version && !declaration.schema.sealed?.safeParse(part.content).success)
      deviates(event, "what is sealed is of its type's shape", `${event.type} v${event.version} holds something else`);
  }

  return {
    counts,
    async add(event, data) {
      const { sealed } = event;
      if (!sealed) return;
      const wrong = misplaced({ ...event, sealed }, data);
      if (wrong) deviates(event, "what is sealed is whose and when its event says", wrong);
      waiting.push({ ...event, sealed });
      if (waiting.length < AT_ONCE) return;
      await this.finish();
    },
    async finish() {
      const now = waiting;
      waiting = [];
      if (now.length > 0) await look(now);
    },
  };
}

/** Whose secret and which day's an event took, against what its type declares. An edit's day is its original's. */
function misplaced({ type, stream, recordedAt, sealed }: Sealed, data: unknown): string | undefined {
  const under = declarationOf(type)?.under;
  if (!under) return undefined;
  const subject = under.subject(data, parseStreamId(stream).id);
  if (sealed.subject !== subject) return `it is sealed as ${sealed.subject}'s, not as ${subject}'s`;
  if (under.bucket === "lasting") return sealed.bucket === "-" ? undefined : `its bucket is ${sealed.bucket}`;
  if (under.bucket === "original") return undefined;
  const age = Math.floor(recordedAt / DAY_MS) - dayOf(sealed.bucket);
  return age === 0 || age === 1 ? undefined : `its bucket is ${sealed.bucket}, and it was recorded on another day`;
}

const DAY_MS = 86_400_000;
/** Days since 1970; NaN of a bucket that is no day. */
export const dayOf = (bucket: string): number => Date.parse(bucket) / DAY_MS;
