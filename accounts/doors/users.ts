import { z } from "zod";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { accountNamed } from "../accountRows.ts";
import type { AccountParts } from "../parts.ts";
import type { Person } from "../people.ts";

const MOST_AT_ONCE = 200;

const User = z.object({
  userId: Uuid,
  username: z.string().nullable(),
  displayName: z.string().nullable(),
  avatar: Uuid.nullable(),
  erased: z.boolean(),
});

const forGuests = reject("forbidden", "guests look nobody up");
const nobody = reject("not-found", "no such person");

export const GetUser = door({
  name: "GetUser",
  route: "GET /api/v1/users/:userId",
  summary: "A person whom one shares a conversation with.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({ userId: Uuid }),
  result: User,

  async run({ userId }, by, { people }: AccountParts) {
    if (by.guest && userId !== by.userId) return forGuests;
    const [person] = await known(people, by, [userId]);
    return person ? { body: person } : nobody;
  },
});

export const FindUsers = door({
  name: "FindUsers",
  route: "GET /api/v1/users",
  summary: "A person by exact name, or people whom one shares a conversation with by their ids.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z
    .strictObject({
      username: z.string().max(256).optional(),
      ids: z
        .string()
        .max(MOST_AT_ONCE * 37)
        .transform((ids) => ids.split(","))
        .pipe(z.array(Uuid).max(MOST_AT_ONCE))
        .optional(),
    })
    .refine(({ username, ids }) => (username === undefined) !== (ids === undefined), "either username or ids"),
  result: z.object({ items: z.array(User) }),

  async run({ username, ids = [] }, by, parts: AccountParts) {
    if (by.guest) return forGuests;
    const items = username === undefined ? await known(parts.people, by, ids) : await named(parts, by, username);
    return { body: { items } };
  },
});

/** Of these people those whom the asker may know of. Strangers and nobody look alike. */
async function known(
  people: AccountParts["people"],
  { tenant, userId }: By,
  ids: readonly string[],
): Promise<Person[]> {
  const asked = [...new Set(ids)];
  const sharing = await people.sharingWith(tenant, userId, asked);
  const found = await people.people(
    tenant,
    asked.filter((id) => id === userId || sharing.has(id)),
  );
  return [...found];
}

async function named(
  { people, engine, database, directory }: AccountParts,
  by: By,
  username: string,
): Promise<Person[]> {
  const usernameHash = await engine.sealing.lookupHash(by.tenant, "username", username);
  const account = await accountNamed(database, by.tenant, usernameHash);
  if (!account?.open) return [];
  if (directory === "none") return known(people, by, [account.userId]);
  const [person] = await people.people(by.tenant, [account.userId]);
  if (person) return person.erased ? [] : [person];
  // Registered a moment ago: the read models do not know yet.
  return (await people.settled()) ? [...(await people.people(by.tenant, [account.userId]))] : [];
}
