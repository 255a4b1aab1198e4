import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { ServerRole } from "../../domain/tenant/events.ts";
import { Preferences } from "../../domain/user/events.ts";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import type { OwnPerson } from "../people.ts";

const Me = z.object({
  userId: Uuid,
  username: z.string().nullable(),
  displayName: z.string().nullable(),
  avatar: Uuid.nullable(),
  roles: z.array(ServerRole),
  preferences: Preferences,
  revision: z.int(),
});

const behind = reject("projection-behind", "the account cannot be read yet");

/** Whoever just registered may ask before the read models know. */
async function own({ people }: AccountParts, tenant: string, userId: string): Promise<OwnPerson | undefined> {
  const known = await people.own(tenant, userId);
  if (known || !(await people.settled())) return known;
  return people.own(tenant, userId);
}

export const GetMe = door({
  name: "GetMe",
  route: "GET /api/v1/me",
  summary: "Oneself.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({}),
  result: Me,

  async run(_, { tenant, userId, roles }, parts: AccountParts) {
    const person = await own(parts, tenant, userId);
    if (!person) return behind;
    const { username, displayName, avatar, preferences, revision } = person;
    return { body: { userId, username, displayName, avatar, roles: [...roles], preferences, revision } };
  },
});

export const GetPreferences = door({
  name: "GetPreferences",
  route: "GET /api/v1/me/preferences",
  summary: "When and how one's devices are notified.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({}),
  result: Preferences,

  async run(_, { tenant, userId }, parts: AccountParts) {
    const person = await own(parts, tenant, userId);
    return person ? { body: person.preferences } : behind;
  },
});
