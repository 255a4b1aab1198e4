/** Turns what one version of a type holds into what the next one holds. */
type Upcaster = (stored: Record<string, unknown>) => Record<string, unknown>;

/** From one version to the next: of the facts, and of the personal content in clear. Absent where that part stayed. */
export interface Lift {
  readonly data?: Upcaster;
  readonly sealed?: Upcaster;
}

/** By type, then by the version that it lifts. They compose: a v1 goes through v1 and v2 to become a v3. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Lift>>>>;

export const upcasters: Upcasters = {
  ConversationCreated: {
    // Before conversations could choose, a newcomer saw what came after joining.
    1: { data: (data) => ({ ...data, historyVisibility: "joined" }) },
  },
  // Before a name could be redacted, all was sealed under the conversation's own secret.
  ConversationRenamed: { 1: {} },
  ConversationDescribed: { 1: {} },
  // Before an erasure could redact names, none was asked for.
  ErasureRequested: { 1: {} },
  // Before an organisation could choose what waits for a second officer, those two did.
  PoliciesChanged: { 1: { data: (data) => ({ ...data, fourEyes: data.fourEyes ? ["erase", "lift-hold"] : [] }) } },
  // Before exports and retention could wait, none of them did.
  ApprovalAsked: { 1: {} },
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function lifted(part: keyof Lift, type: string, version: number, stored: unknown, known: Upcasters): unknown {
  const lifts = known[type];
  if (!lifts) return stored;
  let value = stored;
  for (let from = version, lift = lifts[from]; lift; lift = lifts[++from])
    if (isRecord(value)) value = lift[part]?.(value) ?? value;
  return value;
}

/** Stored facts in the form of the newest version that this program knows. */
export const upcast = (type: string, version: number, data: unknown, known = upcasters): unknown =>
  lifted("data", type, version, data, known);

/** Opened personal content, likewise. */
export const upcastContent = (type: string, version: number, content: unknown, known = upcasters): unknown =>
  lifted("sealed", type, version, content, known);
