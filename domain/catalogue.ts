import type { z } from "zod";
import { type ComplianceEvent, complianceEvents } from "./compliance/events.ts";
import { type ConversationEvent, conversationEvents } from "./conversation/events.ts";
import type { DomainEvent, SealedUnder } from "./event.ts";
import { type ReceiptsEvent, receiptsEvents } from "./receipts/events.ts";
import { type TenantEvent, tenantEvents } from "./tenant/events.ts";
import { upcast } from "./upcasters.ts";
import { type UserEvent, userEvents } from "./user/events.ts";

/** Every type of event that this program writes. What it reads may be older (upcast) or newer (unknown). */
export type AnyEvent = ConversationEvent | ReceiptsEvent | UserEvent | TenantEvent | ComplianceEvent;

export interface EventDeclaration {
  readonly type: string;
  readonly version: number;
  readonly schema: { readonly data: z.ZodType; readonly sealed?: z.ZodType };
  readonly under?: SealedUnder<unknown>;
}

export const eventDeclarations: readonly EventDeclaration[] = [
  ...conversationEvents,
  ...receiptsEvents,
  ...userEvents,
  ...tenantEvents,
  ...complianceEvents,
];

const byType = new Map(eventDeclarations.map((declaration) => [declaration.type, declaration]));

export const declarationOf = (type: string): EventDeclaration | undefined => byType.get(type);

/** An event of a type or version that this program does not know yet. It is kept and passed on, never dropped. */
export interface UnknownEvent {
  readonly type: "?";
  readonly data: { readonly type: string; readonly version: number };
}

/** What the log holds that cannot be: known by type and version, but not of its shape. */
export class MalformedEvent extends Error {
  override name = "MalformedEvent";
}

type FactsOf<Event extends DomainEvent> = Event extends DomainEvent ? Pick<Event, "type" | "data"> : never;
export type AnyFacts = FactsOf<AnyEvent>;

const isKnown = (facts: { type: string; data: unknown }): facts is AnyFacts => byType.has(facts.type);

/** Parses the facts of a stored event, in the shape of today's version. @throws MalformedEvent */
export function decodeFacts(stored: { type: string; version: number; data: string }): AnyFacts | UnknownEvent {
  const declaration = byType.get(stored.type);
  if (!declaration || stored.version > declaration.version)
    return { type: "?", data: { type: stored.type, version: stored.version } };
  let parsed: ReturnType<z.ZodType["safeParse"]>;
  try {
    parsed = declaration.schema.data.safeParse(upcast(stored.type, stored.version, JSON.parse(stored.data)));
  } catch (error) {
    throw new MalformedEvent(`${stored.type} v${stored.version} is not JSON that can be read`, { cause: error });
  }
  const facts = { type: stored.type, data: parsed.data };
  if (!parsed.success || !isKnown(facts))
    throw new MalformedEvent(`${stored.type} v${stored.version} is not of its shape: ${parsed.error?.message}`);
  return facts;
}
