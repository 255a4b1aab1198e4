import { conversation } from "../../commands/conversation/aggregate.ts";
import { tenant } from "../../commands/tenant/aggregate.ts";
import { user } from "../../commands/user/aggregate.ts";
import type { AnyFacts } from "../../domain/catalogue.ts";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import { placed } from "../../domain/event.ts";
import { parseStreamId } from "../../domain/ids.ts";
import type { TenantEvent } from "../../domain/tenant/events.ts";
import type { UserEvent } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { eventOf } from "../../infra/eventLog/rows.ts";
import type { Snapshot } from "../../infra/ports/snapshots.ts";
import { ConversationRules, type Found } from "./conversationRules.ts";
import { envelopeOf, type Read } from "./envelope.ts";
import type { Deviation } from "./findings.ts";
import { dayOf, type SealedParts } from "./sealedParts.ts";
import { holdsState } from "./snapshots.ts";
import type { StoredEvent, StoredStream, Unit } from "./storedEvents.ts";

/** What was looked at. */
export interface Counts {
  events: number;
  streams: number;
  conversations: number;
  messages: number;
  marks: number;
  snapshots: number;
  /** By type and version: what this program does not know, and keeps. */
  readonly unknown: Map<string, number>;
}

export interface UnitParts {
  readonly counts: Counts;
  readonly sealed: SealedParts;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly add: (deviation: Deviation) => void;
}

/** A stream's events one after the other, as the rules of its kind see them. */
interface Judge {
  event(facts: AnyFacts, row: StoredEvent, read: Read, found: Found): void;
  /** Undefined where it is not to be said. */
  holds(snapshot: Snapshot): Promise<boolean | undefined>;
}

/** Reads one unit of the log from its beginning, in order of position, and asks of each event what its writer promised. */
export async function verifyUnit(unit: Unit, parts: UnitParts): Promise<void> {
  const { counts, sealed, snapshots, add } = parts;
  const rules = new ConversationRules(unit.name);
  const conversationState = conversation.initial();
  const following = unit.streams.map((stream) => ({
    stream,
    read: envelopeOf(stream.name),
    judge: judgeOf(stream.name, rules, conversationState, counts),
    known: true,
  }));
  let last: StoredEvent | undefined;

  for (let next = await first(following); next; next = await first(following)) {
    const { one, row } = next;
    one.stream.take();
    counts.events++;
    if (row.revision === 0) counts.streams++;
    const { stream, revision, position } = row;
    const found: Found = (rule, what) => add({ rule, found: what, stream, revision, position });
    if (last && last.stream === stream && last.position >= position)
      found("positions rise in a stream", `${position} follows ${last.position}`);
    last = row;

    const read = one.read(row, found);
    if (!read || read.facts.type === "?") {
      // What comes after it may rest on it: nobody can say what the rules make of that.
      one.known = false;
      if (read) count(counts.unknown, `${row.type} v${row.version}`);
      continue;
    }
    if (row.sealed !== null) await sealed.add(eventOf(row), read.facts.data);
    if (following.some(({ known }) => !known)) continue;
    one.judge.event(read.facts, row, read, found);
    const snapshot = snapshots.get(stream);
    const holds = snapshot?.revision === revision ? await one.judge.holds(snapshot) : undefined;
    if (holds !== undefined) counts.snapshots++;
    if (holds === false) found("a snapshot holds what the log gives", "it holds another state");
  }

  if (conversationState.kind === "none" || following.some(({ known }) => !known)) return;
  counts.conversations++;
  counts.messages += rules.messages;
  rules.commandEnds(conversationState, (rule, found) => add({ rule, found, stream: unit.name }));
}

async function first<One extends { readonly stream: StoredStream }>(
  following: readonly One[],
): Promise<{ one: One; row: StoredEvent } | undefined> {
  let next: { one: One; row: StoredEvent } | undefined;
  for (const one of following) {
    const row = await one.stream.peek();
    if (row && (!next || row.position < next.row.position)) next = { one, row };
  }
  return next;
}

const count = (among: Map<string, number>, key: string) => among.set(key, (among.get(key) ?? 0) + 1);

function judgeOf(
  stream: string,
  rules: ConversationRules,
  conversationState: ReturnType<typeof conversation.initial>,
  counts: Counts,
): Judge {
  const { kind, tenant: tenantName } = parseStreamId(stream);
  switch (kind) {
    case "conversation":
      return {
        holds: (snapshot) => holdsState(conversation, snapshot, conversationState),
        event(facts, row, { meta: { actorId } }, found) {
          if (!conversation.owns(facts)) return;
          const day = row.bucket === null ? undefined : dayOf(row.bucket);
          rules.event(conversationState, facts, { actorId, firstOfCommand: row.command_at === 0, day }, found);
          conversation.evolve(conversationState, placed<ConversationEvent>(facts, row.revision));
        },
      };
    case "receipts":
      return {
        holds: async () => undefined,
        event(facts, _row, _read, found) {
          if (facts.type !== "MarksRaised") return;
          counts.marks += facts.data.marks.length;
          rules.marks(facts, found);
        },
      };
    case "user": {
      const state = user.initial();
      return {
        holds: (snapshot) => holdsState(user, snapshot, state),
        event(facts, row, _read, found) {
          if (!user.owns(facts)) return;
          if ((facts.type === "UserRegistered") === isRegistered(state))
            found(
              "a person begins with registering, once",
              `${facts.type} of one who is ${isRegistered(state) ? "" : "not "}registered`,
            );
          user.evolve(state, placed<UserEvent>(facts, row.revision));
        },
      };
    }
    case "tenant": {
      const state = tenant.initial();
      return {
        holds: (snapshot) => holdsState(tenant, snapshot, state),
        event(facts, row, _read, found) {
          if (!tenant.owns(facts)) return;
          if ((facts.type === "TenantFounded") !== state.foundedAt < 0)
            found("an organisation begins with its founding, once", facts.type);
          if (facts.type === "TenantFounded" && facts.data.name !== tenantName)
            found("an organisation has its own name", "it is founded under another");
          tenant.evolve(state, placed<TenantEvent>(facts, row.revision));
        },
      };
    }
    case "compliance":
      return { holds: async () => undefined, event: () => {} };
    default:
      return kind satisfies never;
  }
}
