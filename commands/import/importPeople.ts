import type { By } from "../../domain/by.ts";
import { streamId } from "../../domain/ids.ts";
import { UserRegistered } from "../../domain/user/events.ts";
import { ContentErased } from "../../sealing/sealing.ts";
import type { Engine } from "../engine/engine.ts";
import { recordable } from "../engine/record.ts";

export interface ImportedPerson {
  readonly userId: string;
  readonly username: string;
  readonly displayName: string;
}

/**
 * Records people who have no account yet; whose stream is there, or who was erased, is left as it is. Their streams are
 * new, so nothing is loaded to decide: the expected revision alone keeps it right. Each one's command has the id of the
 * person, so that a second import finds the first.
 */
export async function importPeople(engine: Engine, people: readonly ImportedPerson[], by: By): Promise<void> {
  const streams = people.map((person) => ({ person, stream: streamId(by.tenant, "user", person.userId) }));
  await engine.sealing.prepare(
    streams.map(({ person, stream }) => ({ stream, subject: person.userId, bucket: LASTING })),
  );
  await Promise.all(
    streams.map(async ({ person: { userId, ...names }, stream }) => {
      const sender = { ...by, commandId: userId };
      const command = {
        name: "ImportUser",
        payload: names,
        sender,
        events: [UserRegistered({ imported: true }, names)],
      };
      try {
        await engine.log.append(stream, -1, await recordable(stream, [command], LASTING, engine));
      } catch (error) {
        if (!(error instanceof ContentErased)) throw error;
      }
    }),
  );
}

/** What a profile is sealed under does not change with the day. */
const LASTING = "-";
