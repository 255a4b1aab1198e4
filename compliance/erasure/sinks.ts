import { byTenant } from "../../accounts/byTenant.ts";
import { eraseAccount } from "../../accounts/eraseAccount.ts";
import type { AccountParts } from "../../accounts/parts.ts";
import { unchanged } from "../../commands/index.ts";
import { user } from "../../commands/user/aggregate.ts";
import { streamId } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { UserErased } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { countAuthored, countReactions, newestOf } from "../../projections/history/queries.ts";
import type { ExportsUnderWay } from "../export/underWay.ts";
import { sealedBeforeRedaction } from "./redactName.ts";
import type { ErasureSink } from "./sink.ts";

/** How many of a person's messages are tried to be opened, to see that they are gone. */
const TRIED = 200;

/** Whoever was signed in is signed out; nobody signs in; groups get another owner. */
const signIn = (accounts: AccountParts): ErasureSink => ({
  name: "sign-in",
  when: "before",
  async sweep({ tenant, userId }) {
    const refused = await eraseAccount(accounts, tenant, userId);
    if (refused) throw new Error(`the account was not closed: ${refused.detail}`);
    const { rowCount } = await accounts.database.query(
      "select from accounts.devices where tenant = $1 and user_id = $2",
      [tenant, userId],
    );
    return rowCount;
  },
});

/** Texts and their versions need no sweeping: their keys are gone. It is seen that none of them opens. */
const messages = ({ database, engine, people }: AccountParts): ErasureSink => ({
  name: "messages",
  when: "after",
  async sweep({ tenant, userId }) {
    if (!(await people.settled())) throw new Error("the read models are not at the log's head");
    const newest = await newestOf(database, tenant, userId, TRIED);
    const opened = await engine.sealing.open(newest);
    if (opened.some(({ state }) => state === "readable")) throw new Error(`messages of ${userId} can still be opened`);
    return countAuthored(database, tenant, userId);
  },
});

/** Reactions are no sealed content: they are shown only while their author is not erased. */
const reactions = ({ database }: AccountParts): ErasureSink => ({
  name: "reactions",
  when: "after",
  sweep: ({ tenant, userId }) => countReactions(database, tenant, userId),
});

/** All that was ever sealed of a redacted name, edits of it and descriptions beside it: it is seen that none of it opens. */
const names = ({ engine }: AccountParts): ErasureSink => ({
  name: "names",
  when: "after",
  async sweep({ tenant, erasureId, redactNames }) {
    let items = 0;
    for (const conversationId of redactNames) {
      const before = await sealedBeforeRedaction(engine.log, { tenant, conversationId, erasureId });
      const opened = await engine.sealing.open(before);
      if (opened.some(({ state }) => state === "readable"))
        throw new Error(`a former name of ${conversationId} can still be opened`);
      items += before.length;
    }
    return items;
  },
});

/** Devices are told, once, that this person is erased: they blank what they hold. */
const profile = ({ engine }: AccountParts): ErasureSink => ({
  name: "profile",
  when: "after",
  async sweep({ tenant, userId, erasureId }) {
    const outcome = await user.mailboxes(engine).send(streamId(tenant, "user", userId), {
      name: "EraseUser",
      payload: { erasureId },
      sender: { ...byTenant(engine, tenant), unnamed: true, commandId: engine.newId() },
      keyed: false,
      needs: () => undefined,
      decide(state) {
        if (!isRegistered(state)) return unchanged(-1);
        return state.erasedAt >= 0 ? unchanged(state.erasedAt) : [UserErased({ erasureId })];
      },
    });
    if (isRejection(outcome)) throw new Error(`devices were not told of it: ${outcome.detail}`);
    return 1;
  },
});

/** When this person was seen last; nothing of it is written anew. */
const presence = ({ database }: AccountParts): ErasureSink => ({
  name: "presence",
  when: "after",
  async sweep({ tenant, userId }) {
    const { rowCount } = await database.query("delete from ops.last_seen where tenant = $1 and user_id = $2", [
      tenant,
      userId,
    ]);
    return rowCount;
  },
});

/** No archive lies on the server; one that is being given out may hold this person from before, and ends. */
const exportsOf = (underWay: ExportsUnderWay): ErasureSink => ({
  name: "exports",
  when: "after",
  sweep: ({ tenant }) => underWay.sweep(tenant),
});

/** Everything that there is now; search, media and push will join. */
export const erasureSinks = (accounts: AccountParts, underWay: ExportsUnderWay): readonly ErasureSink[] => [
  signIn(accounts),
  messages(accounts),
  reactions(accounts),
  names(accounts),
  profile(accounts),
  presence(accounts),
  exportsOf(underWay),
];
