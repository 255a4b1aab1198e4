import { byTenant } from "../../accounts/byTenant.ts";
import { importAccounts } from "../../accounts/importAccounts.ts";
import { openSession } from "../../accounts/sessions/openSession.ts";
import { openCommands, Placement } from "../../commands/index.ts";
import { isRejection } from "../../domain/rejection.ts";
import { readConfig } from "../../infra/config.ts";
import { type Foundation, type Opening, openFoundation } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import type { SignedIn } from "./people.ts";

const TENANT = "main";
const PEOPLE_AT_ONCE = 250;

/** Fills a data folder before a server starts on it: by the engine itself, without sockets in between. */
export async function prepare<Result>(
  folder: string,
  work: (on: Foundation) => Promise<Result>,
  more: Pick<Opening, "sealingOver"> = {},
): Promise<Result> {
  const config = readConfig({ SCRIPTA_DATA: folder, SCRIPTA_TOKEN_SECONDS: "86400", SCRIPTA_GROUP_LIMIT: "100000" });
  const foundation = await openFoundation({ config, logger: createLogger("warn"), alone: true, ...more });
  try {
    const result = await work(foundation);
    const { position } = await foundation.log.head();
    while (!(await foundation.projector.waitFor(position, 2_000)));
    return result;
  } finally {
    await foundation.stop();
  }
}

/** People with an account each, signed in on one device for a day. */
export async function makePeople({ accounts: { parts } }: Foundation, count: number): Promise<SignedIn[]> {
  const people: SignedIn[] = [];
  while (people.length < count) {
    const by = byTenant(parts.engine, TENANT);
    const some = Array.from({ length: Math.min(PEOPLE_AT_ONCE, count - people.length) }, (_, nth) => {
      const displayName = `p${people.length + nth}`;
      return { userId: parts.engine.newId(), displayName, usernames: [`${displayName}-bench`] };
    });
    await importAccounts(parts, some, by);
    const signedIn = await Promise.all(
      some.map(({ userId }) =>
        openSession(parts, { tenant: TENANT, userId }, { name: "bench", platform: "bench" }, by),
      ),
    );
    for (const one of signedIn) {
      if (isRejection(one)) throw new Error(one.detail);
      people.push(one);
    }
  }
  return people;
}

/** A command by its name, as somebody's; gives its answer and throws where it is refused. */
export function commander({ engine }: Foundation) {
  const doors = new Map(openCommands(engine).map((door) => [door.name, door]));
  return async (
    name: string,
    userId: string,
    payload: object,
  ): Promise<{ position: number; conversationId: string }> => {
    const door = doors.get(name);
    if (!door) throw new Error(`there is no command ${name}`);
    const parsed = door.parse(payload);
    if (!parsed.success) throw new Error(`${name}: ${parsed.error.message}`);
    const by = { ...byTenant(engine, TENANT), userId, key: engine.newId() };
    const outcome = await door.handle(parsed.data, by);
    if (isRejection(outcome)) throw new Error(`${name}: ${outcome.rejected}: ${outcome.detail}`);
    const { position } = Placement.parse(outcome.body);
    const body: object = typeof outcome.body === "object" && outcome.body !== null ? outcome.body : {};
    return { position, conversationId: "conversationId" in body ? String(body.conversationId) : "" };
  };
}
