import { z } from "zod";
import type { AccountParts } from "../../accounts/parts.ts";
import { namesAround } from "../../projections/inbox/queries.ts";

const Name = z.object({ name: z.string() });
/** What is shorter stands in too many names to mean anybody. */
const SHORTEST = 3;

const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The conversations, of those that a person is or was in, whose name holds the person's: their names stay, an officer may look. */
export async function namesToReview(
  { database, engine, people }: AccountParts,
  tenant: string,
  userId: string,
): Promise<string[]> {
  if (!(await people.settled())) throw new Error("the read models are not at the log's head");
  const [person] = await people.people(tenant, [userId]);
  const called = [person?.username, person?.displayName, ...(person?.displayName?.split(/\s+/) ?? [])]
    .flatMap((name) => name ?? [])
    .map(plain)
    .filter((name) => name.length >= SHORTEST);
  if (called.length === 0) return [];
  const around = await namesAround(database, tenant, userId);
  const opened = await engine.sealing.open(around.map(({ name }) => name));
  return around.flatMap(({ conversation }, at) => {
    const part = opened[at];
    const name = part?.state === "readable" ? Name.safeParse(part.content).data?.name : undefined;
    return name !== undefined && called.some((one) => plain(name).includes(one)) ? [conversation] : [];
  });
}
