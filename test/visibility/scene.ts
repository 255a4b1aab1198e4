import { randomUUID } from "node:crypto";
import { z } from "zod";
import { bootstrapAdmin, foundTenant } from "../../accounts/foundTenant.ts";
import { setPolicies } from "../../compliance/policies/setPolicies.ts";
import { isRejection } from "../../domain/rejection.ts";
import { type Api, after, apiOf, group, type Person, passwordOf, type Sent, send } from "../support/apiClient.ts";
import { startInProcess } from "../support/inProcess.ts";

/** What nobody from outside may ever be told is called so, and so is what was said before somebody came. */
export const CANARY = "canary";
export const EARLY = "canary of before";

/** Who signed in and tries something that is another's. */
export const outsiders = ["stranger", "former", "otherTenant"] as const;
export const insiders = ["latecomer", "guest", "fellow"] as const;
/** Whose tokens do not hold, or who has none. */
export const unauthenticated = ["signedOut", "deactivated", "nobody"] as const;
export type Signed = (typeof outsiders)[number] | (typeof insiders)[number];
export type Viewer = Signed | (typeof unauthenticated)[number];

/** What requests are about. */
export interface Target {
  readonly conversationId: string;
  readonly messageId: string;
  /** A message that asks to be acknowledged. */
  readonly askingId: string;
  /** A member of the conversation. */
  readonly userId: string;
  /** Somebody who is in no conversation. */
  readonly bystanderId: string;
  /** A device of the owner's. */
  readonly deviceId: string;
  /** Of somebody who is forgotten. */
  readonly erasureId: string;
  /** Of the conversation. */
  readonly holdId: string;
  /** A hold that another officer wants to lift. */
  readonly approvalId: string;
  /** The administrator's emergency access to another conversation. */
  readonly grantId: string;
  /** Of the conversation. */
  readonly exportId: string;
}

export interface Scene {
  readonly api: Api;
  readonly url: string;
  readonly owner: Person;
  readonly admin: Person;
  readonly people: Readonly<Record<Signed, Person>>;
  readonly tokens: Readonly<Record<Viewer, string | undefined>>;
  /** What a viewer tries to reach: of a former member, what that person said there once. */
  target(viewer: Signed | "owner" | "nobody"): Target;
  /** A conversation of the owner's and the fellow's to be spoiled, with a message; and a device that nobody needs. */
  disposable(): Promise<{ target: Target; position: number }>;
  /** Another sign-in of the same person, to be used up. */
  again(person: Person, tenant?: string): Promise<Person>;
  stop(): Promise<void>;
}

/** A server with one conversation, and everybody who should see some of it or nothing. */
export async function aScene(): Promise<Scene> {
  const server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  const { parts } = server.running.foundation.accounts;
  const founded = await foundTenant(parts, "elsewhere");
  const chief = await bootstrapAdmin(parts, "elsewhere", { username: "chief", password: passwordOf("chief") });
  if (founded || isRejection(chief)) throw new Error("the other tenant could not be made");
  const api = apiOf(server.url);
  const admin = await api.login("root");
  const otherTenant = await api.login("chief", "phone", "elsewhere");

  const [owner, fellow, guest, latecomer, former, stranger, signedOut, deactivated, bystander] = await Promise.all([
    api.person(`${CANARY}-owner`),
    api.person(`${CANARY}-fellow`),
    api.person("guest"),
    api.person("latecomer"),
    api.person("former"),
    api.person("stranger"),
    api.person("signed-out"),
    api.person("deactivated"),
    api.person("bystander"),
  ]);
  await expected(200, admin.put(`/admin/users/${guest.userId}/roles`, { roles: [], guest: true }));
  const present = [fellow, guest, former, signedOut, deactivated];
  const conversationId = await group(owner, present, `${CANARY} name`);
  const early = await send(owner, conversationId, `${EARLY} anybody came`);
  const asked = { ackBy: new Date(Date.now() + 86_400_000).toISOString() };
  const asking = await send(owner, conversationId, `${EARLY} asking`, asked);
  const ofFormer = await send(former, conversationId, `${EARLY} leaving`);
  await expected(200, owner.delete(`/conversations/${conversationId}/members/${former.userId}`));
  await expected(201, owner.post(`/conversations/${conversationId}/members`, { userId: latecomer.userId }));
  await send(owner, conversationId, `${CANARY} of after`);
  await expected(204, signedOut.post("/auth/logout"));
  await expected(200, admin.post(`/admin/users/${deactivated.userId}/deactivate`));
  const tablet = await api.login(owner.username, "tablet");
  const last = await send(owner, conversationId, `${CANARY} of the end`);
  await expected(200, owner.get("/me", after(last)));

  const forgotten = await api.person("forgotten");
  const erasure = await admin.post("/compliance/erasures", {
    userId: forgotten.userId,
    reason: `${CANARY} of a reason`,
  });
  const erasureId = z.string().parse(erasure.body.erasureId);

  const holdOn = async (held: string): Promise<string> => {
    const { body } = await admin.post("/compliance/holds", { conversationId: held, reason: `${CANARY} of a hold` });
    return z.string().parse(body.holdId);
  };

  for (const [chiefOf, roles] of [
    [admin, ["admin", "compliance", "break-glass"]],
    [otherTenant, ["admin", "compliance", "break-glass"]],
  ] as const)
    await expected(200, chiefOf.put(`/admin/users/${chiefOf.userId}/roles`, { roles }));
  const second = await api.person("second");
  await expected(200, admin.put(`/admin/users/${second.userId}/roles`, { roles: ["compliance"] }));
  const { engine } = server.running.foundation;
  const approvalId = await holdOn(await group(second, []));
  await setPolicies(engine, "main", { fourEyes: ["lift-hold"] });
  await expected(202, second.delete(`/compliance/holds/${approvalId}`));
  await setPolicies(engine, "main", { fourEyes: [] });
  const glass = { conversationId: await group(admin, []), reason: `${CANARY} of an emergency`, minutes: 5 };
  const opened = await admin.post("/compliance/break-glass", glass);
  const exportAsked = await admin.post("/compliance/exports", {
    kind: "conversation",
    conversationIds: [conversationId],
  });
  const exportId = z.string().parse(exportAsked.body.exportId);
  const ids = {
    exportId,
    userId: fellow.userId,
    deviceId: owner.deviceId,
    erasureId,
    holdId: await holdOn(conversationId),
    approvalId,
    grantId: z.string().parse(opened.body.grantId),
  };
  const target = { conversationId, messageId: early.messageId, askingId: asking.messageId, ...ids };
  const ofViewer = (viewer: Signed | "owner" | "nobody"): Target => ({
    ...target,
    bystanderId: bystander.userId,
    ...(viewer === "former" ? { messageId: ofFormer.messageId } : {}),
  });
  return {
    api,
    url: server.url,
    owner,
    admin,
    people: { stranger, former, otherTenant, latecomer, guest, fellow },
    tokens: {
      stranger: stranger.token,
      former: former.token,
      otherTenant: otherTenant.token,
      latecomer: latecomer.token,
      guest: guest.token,
      fellow: fellow.token,
      signedOut: signedOut.token,
      deactivated: deactivated.token,
      nobody: undefined,
    },
    target: ofViewer,
    async disposable() {
      const spoiled = await group(owner, [fellow], "disposable");
      const message: Sent = await send(owner, spoiled, "to be spoiled");
      const { messageId, position } = message;
      const { messageId: askingId } = await send(fellow, spoiled, "to be acknowledged", asked);
      const holdId = await holdOn(spoiled);
      const others = { ...ids, bystanderId: bystander.userId, deviceId: tablet.deviceId, holdId };
      return { target: { conversationId: spoiled, messageId, askingId, ...others }, position };
    },
    again: (person, tenant = "main") => api.login(person.username, randomUUID().slice(0, 8), tenant),
    stop: () => server.stop(),
  };
}

async function expected(status: number, asked: Promise<{ readonly status: number; readonly body: unknown }>) {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`the scene is broken: ${answer.status} ${JSON.stringify(answer.body)}`);
}
