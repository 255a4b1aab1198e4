import { z } from "zod";
import type { Queryable } from "../../infra/ports/database.ts";
import { SealedPurpose } from "./purpose.ts";

/** What of a tenant's access log is wanted. */
export interface AccessesAsked {
  readonly conversationId?: string | undefined;
  readonly messageId?: string | undefined;
  /** Whose messages, or which account, was looked at. */
  readonly userId?: string | undefined;
  /** Who looked. */
  readonly by?: string | undefined;
  readonly action?: string | undefined;
  readonly order: "newest" | "oldest";
  /** The entry after which, in that order, they are wanted. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface AccessFound {
  readonly entry: number;
  readonly at: Date;
  readonly actor: string | null;
  readonly device: string | null;
  readonly action: string;
  readonly about: Readonly<Record<string, unknown>>;
  readonly purpose: z.output<typeof SealedPurpose> | undefined;
}

const About = z.looseObject({ purpose: SealedPurpose.optional() });

/**
 * The messages that an entry shows: those of its conversation from `first` to `last`, the one that it names, or the several.
 * The text of the entry is read once for each way, so that each goes by an index.
 */
const shows = (condition: string) => `exists (
  select from history.messages m where m.tenant = a.tenant and m.conversation = (a.about->>'conversationId')::uuid
    and m.seq between (a.about->>'first')::bigint and (a.about->>'last')::bigint and ${condition}
  union all
  select from history.messages m where m.tenant = a.tenant and m.conversation = (a.about->>'conversationId')::uuid
    and m.message_id = (a.about->>'messageId')::uuid and ${condition}
  union all
  select from json_array_elements_text(a.about->'messageIds') named join history.messages m
    on m.tenant = a.tenant and m.conversation = (a.about->>'conversationId')::uuid and m.message_id = named::uuid
    where ${condition})`;

/** What of the log of accesses is asked for, in the order asked. Ids and numbers alone; purposes stay sealed. */
export async function findAccesses(
  queryable: Queryable,
  tenant: string,
  { conversationId, messageId, userId, by, action, order, after, limit }: AccessesAsked,
): Promise<AccessFound[]> {
  const params: unknown[] = [tenant];
  const $ = (value: unknown) => `$${params.push(value)}`;
  const conditions = ["a.tenant = $1"];
  if (after !== undefined) conditions.push(`a.entry ${order === "newest" ? "<" : ">"} ${$(after)}`);
  if (conversationId !== undefined) conditions.push(`a.about->>'conversationId' = ${$(conversationId)}`);
  if (by !== undefined) conditions.push(`a.actor = ${$(by)}::uuid`);
  if (action !== undefined) conditions.push(`a.action = ${$(action)}`);
  if (messageId !== undefined) {
    const id = $(messageId);
    conditions.push(`(a.about->>'messageId' = ${id} or ${shows(`m.message_id = ${id}::uuid`)})`);
  }
  if (userId !== undefined) {
    const id = $(userId);
    const written = `a.about->>'conversationId' in
      (select conversation::text from members.members where tenant = $1 and user_id = ${id}::uuid)`;
    conditions.push(`(a.about->>'userId' = ${id} or (${written} and ${shows(`m.author = ${id}::uuid`)}))`);
  }
  const { rows } = await queryable.query<Omit<AccessFound, "purpose">>(
    `select a.entry, a.at, a.actor, a.device, a.action, a.about from compliance.access_log a
     where ${conditions.join(" and ")} order by a.entry ${order === "newest" ? "desc" : "asc"} limit ${$(limit)}`,
    params,
  );
  return rows.map(({ about, ...row }) => {
    const { purpose, ...rest } = About.parse(about);
    return { ...row, about: rest, purpose };
  });
}
