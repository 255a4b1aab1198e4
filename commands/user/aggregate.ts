import type { UserEvent } from "../../domain/user/events.ts";
import { userEvents } from "../../domain/user/events.ts";
import { evolve, newUser, User } from "../../domain/user/user.ts";
import { aggregate } from "../command.ts";

const types: ReadonlySet<string> = new Set(userEvents.map(({ type }) => type));

export const user = aggregate<User, UserEvent>({
  kind: "user",
  initial: newUser,
  evolve,
  owns: (facts): facts is Extract<typeof facts, { type: UserEvent["type"] }> => types.has(facts.type),
  state: User,
  stateVersion: 1,
});
