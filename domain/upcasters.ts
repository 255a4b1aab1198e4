/** Turns the facts of one version of a type into those of the next. */
type Upcaster = (data: Record<string, unknown>) => Record<string, unknown>;

/** By type, then by the version that it lifts. They compose: a v1 goes through v1 and v2 to become a v3. */
const upcasters: Readonly<Record<string, Readonly<Record<number, Upcaster>>>> = {
  ConversationCreated: {
    // Before conversations could choose, a newcomer saw what came after joining.
    1: (data) => ({ ...data, historyVisibility: "joined" }),
  },
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Lifts stored facts to the newest version that this program knows. */
export function upcast(type: string, version: number, data: unknown): unknown {
  const lifts = upcasters[type];
  if (!lifts) return data;
  let lifted = data;
  for (let from = version; lifts[from]; from++) if (isRecord(lifted)) lifted = lifts[from]?.(lifted);
  return lifted;
}
