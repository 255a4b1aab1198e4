import { z } from "zod";
import { defaultPreferences } from "../domain/user/events.ts";
import type { Database } from "../infra/ports/database.ts";
import type { EventLog } from "../infra/ports/eventLog.ts";
import { ownedGroups } from "../projections/members/queries.ts";
import { devices, type PersonRow, people, sharingConversation } from "../projections/people/queries.ts";
import type { SealedPart } from "../projections/sealedPart.ts";
import type { Opened, Sealing } from "../sealing/sealing.ts";

export type Opener = Pick<Sealing, "open">;

/** A person as others see them: nulls once erased. */
export interface OpenPerson {
  readonly userId: string;
  readonly username: string | null;
  readonly displayName: string | null;
  readonly avatar: string | null;
  readonly erased: boolean;
}

const Registered = z.object({ username: z.string() });
const Named = z.object({ displayName: z.string() });
const DeviceName = z.object({ name: z.string() });

/** Opens what is there, in one call; `undefined` for what is not. */
export async function openAll(sealing: Opener, parts: readonly (SealedPart | null)[]): Promise<(Opened | undefined)[]> {
  const there = parts.filter((part) => part !== null);
  const opened = (there.length > 0 ? await sealing.open(there) : []).values();
  return parts.map((part) => (part === null ? undefined : opened.next().value));
}

/** In the order given. */
export async function openPeople(sealing: Opener, rows: readonly PersonRow[]): Promise<OpenPerson[]> {
  const opened = await openAll(
    sealing,
    rows.flatMap(({ registered, named }) => [registered, named]),
  );
  return rows.map(({ userId, avatar }, index) => {
    const [registered, named] = [opened[2 * index], opened[2 * index + 1]];
    if (registered?.state === "erased" || named?.state === "erased")
      return { userId, username: null, displayName: null, avatar: null, erased: true };
    return {
      userId,
      username: registered ? Registered.parse(registered.content).username : null,
      displayName: named ? Named.parse(named.content).displayName : null,
      avatar,
      erased: false,
    };
  });
}

/** What accounts ask of the read models: people, opened, of one tenant. */
export function peopleReader(parts: {
  readonly database: Database;
  readonly sealing: Opener;
  readonly log: Pick<EventLog, "head">;
  readonly waitFor: (position: number, timeoutMs: number) => Promise<boolean>;
}) {
  const { database, sealing, log, waitFor } = parts;
  const read = async (tenant: string, userIds: readonly string[]) => {
    const rows = await people(database, tenant, userIds);
    const opened = await openPeople(sealing, rows);
    return new Map(rows.map((row, index) => [row.userId, { row, open: opened[index] }]));
  };
  return {
    async own(tenant: string, userId: string) {
      const found = (await read(tenant, [userId])).get(userId);
      if (!found?.open) return undefined;
      const { row, open } = found;
      return { ...open, preferences: row.preferences ?? defaultPreferences, revision: row.ownRevision };
    },
    async people(tenant: string, userIds: readonly string[]) {
      const found = await read(tenant, userIds);
      return userIds.flatMap((userId) => found.get(userId)?.open ?? []);
    },
    sharingWith: (tenant: string, userId: string, others: readonly string[]) =>
      sharingConversation(database, tenant, userId, others),
    ownedGroups: (tenant: string, userId: string) => ownedGroups(database, tenant, userId),
    async devices(tenant: string, userId: string) {
      const signedIn = (await devices(database, tenant, userId)).filter(({ signedOutAt }) => signedOutAt === null);
      const names = await openAll(
        sealing,
        signedIn.map(({ name }) => name),
      );
      return signedIn.map(({ deviceId, platform, signedInAt }, index) => {
        const name = names[index];
        return {
          deviceId,
          platform,
          signedInAt,
          name: name?.state === "readable" ? DeviceName.parse(name.content).name : null,
        };
      });
    },
    settled: async () => waitFor((await log.head()).position, 2000),
  };
}
