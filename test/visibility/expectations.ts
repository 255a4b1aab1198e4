import { randomUUID } from "node:crypto";
import type { Body } from "../support/apiClient.ts";
import type { Signed, Target } from "./scene.ts";

/** What is asked of one door, and what each viewer is answered. */
export interface Expectation {
  /** Path parameters, query and body in one object, as for a command on the socket. */
  payload(target: Target, viewerId: string): Body;
  readonly statuses: Readonly<Record<Signed, number>>;
  /** Who does it with success, on something of the own, so that a refusal above has no other reason. */
  readonly control: "owner" | "admin";
  /** The answer ends the session that asks. */
  readonly endsSession?: boolean;
}

/** A door that takes no token: what it answers is the same for everybody. */
export interface Open {
  readonly open: true;
  payload(): Body;
  readonly status: number;
}

type Inside = { readonly latecomer: number; readonly guest: number; readonly fellow: number };
const all = (status: number): Inside => ({ latecomer: status, guest: status, fellow: status });
const toOutsiders = (status: number) => ({ stranger: status, former: status, otherTenant: status });

/** Of a conversation whoever is no member is told nothing. */
const ofConversation = (
  payload: (target: Target, viewerId: string) => Body,
  inside: Inside = all(200),
): Expectation => ({ payload, statuses: { ...toOutsiders(404), ...inside }, control: "owner" });

/** A message of before the latecomer came. */
const ofEarlyMessage = (payload: (target: Target) => Body, guest: number, fellow: number): Expectation =>
  ofConversation(payload, { latecomer: 404, guest, fellow });

/** One's own affairs: everybody has some, and nobody sees another's. */
const ofOneself = (
  payload: (target: Target, viewerId: string) => Body,
  statuses: Partial<Record<Signed, number>> = {},
) => ({ payload, statuses: { ...toOutsiders(200), ...all(200), ...statuses }, control: "owner" }) satisfies Expectation;

/** An administrator's: the other tenant's finds nobody here. */
const ofAdmins = (payload: (target: Target) => Body): Expectation => ({
  payload,
  statuses: { stranger: 403, former: 403, otherTenant: 404, ...all(403) },
  control: "admin",
});

/** An officer's: there is one in the other tenant, too, who finds nothing here. */
const ofOfficers = ofAdmins;

const nothing = () => ({});
const conversation = ({ conversationId }: Target) => ({ conversationId });
const message = ({ conversationId, messageId }: Target) => ({ conversationId, messageId });
const asking = ({ conversationId, askingId }: Target) => ({ conversationId, messageId: askingId });
const reaction = (target: Target) => ({ ...message(target), emoji: "🎈" });
const device = { name: "laptop", platform: "test" };

/** A door without a line here fails the matrix: whoever adds one says who may do it. */
export const expectations: Readonly<Record<string, Expectation | Open>> = {
  Register: {
    open: true,
    payload: () => ({ username: "root", password: "a long password", displayName: "Root" }),
    status: 409,
  },
  Login: { open: true, payload: () => ({ username: "root", password: "not that one", device }), status: 401 },
  Refresh: { open: true, payload: () => ({ refreshToken: "main.made.up" }), status: 401 },
  Exchange: { open: true, payload: () => ({ token: "a.b.c", device }), status: 404 },

  Logout: { ...ofOneself(nothing, { ...toOutsiders(204), ...all(204) }), endsSession: true },
  GetMe: ofOneself(nothing),
  UpdateProfile: ofOneself(() => ({ displayName: "Somebody" })),
  GetPreferences: ofOneself(nothing),
  SetPreferences: ofOneself(() => ({ quietHours: null, preview: true, enabled: true })),
  ListDevices: ofOneself(nothing),
  SignOutOwnDevice: ofOneself(({ deviceId }) => ({ deviceId }), { ...toOutsiders(404), ...all(404) }),
  GetUser: ofOneself(({ userId }) => ({ userId }), { ...toOutsiders(404), guest: 403 }),
  FindUsers: ofOneself(({ userId }) => ({ ids: userId }), { guest: 403 }),
  Sync: ofOneself(nothing),
  SetRoles: ofAdmins(({ bystanderId }) => ({ userId: bystanderId, roles: [] })),
  Deactivate: ofAdmins(({ bystanderId }) => ({ userId: bystanderId })),
  Reactivate: ofAdmins(({ bystanderId }) => ({ userId: bystanderId })),

  ListConversations: ofOneself(nothing),
  CreateConversation: ofOneself(
    ({ bystanderId }) => ({ kind: "group", name: "elsewhere", members: [{ userId: bystanderId }] }),
    { stranger: 201, former: 201, otherTenant: 404, latecomer: 201, guest: 403, fellow: 201 },
  ),
  GetConversation: ofConversation(conversation),
  UpdateConversation: ofConversation((target) => ({ ...conversation(target), name: "taken over" }), all(403)),
  ListMembers: ofConversation(conversation),
  AddMember: ofConversation((target) => ({ ...conversation(target), userId: target.bystanderId }), all(403)),
  ChangeMemberRole: ofConversation(
    (target, viewerId) => ({ ...conversation(target), userId: viewerId, role: "admin" }),
    all(403),
  ),
  RemoveMember: ofConversation((target) => ({ ...conversation(target), userId: target.userId }), {
    latecomer: 403,
    guest: 403,
    // Oneself: leaving.
    fellow: 200,
  }),
  GetConversationPreferences: ofConversation(conversation),
  SetConversationPreferences: ofConversation((target) => ({
    ...conversation(target),
    notify: "mentions",
    mutedUntil: null,
  })),
  MarkRead: ofConversation((target) => ({ ...conversation(target), seq: 1 })),
  MarkDelivered: ofConversation((target) => ({ ...conversation(target), seq: 1 })),

  ListMessages: ofConversation(conversation),
  SendMessage: ofConversation(
    (target) => ({ ...conversation(target), messageId: randomUUID(), text: "me, too" }),
    all(201),
  ),
  GetMessage: ofEarlyMessage(message, 200, 200),
  GetMessageHistory: ofEarlyMessage(message, 403, 403),
  GetReceipts: ofEarlyMessage(message, 200, 200),
  GetProof: ofEarlyMessage(message, 200, 200),
  GetComplianceProof: ofOfficers(message),
  EditMessage: ofEarlyMessage((target) => ({ ...message(target), text: "never said" }), 403, 403),
  DeleteMessage: ofEarlyMessage(message, 403, 403),
  AddReaction: ofEarlyMessage(reaction, 200, 200),
  RemoveReaction: ofEarlyMessage(reaction, 200, 200),
  AcknowledgeMessage: ofEarlyMessage(asking, 200, 200),
  GetAcknowledgements: ofEarlyMessage(asking, 200, 200),

  ReadConversationThen: ofOfficers(conversation),
  ListAccesses: {
    ...ofOfficers(message),
    statuses: { stranger: 403, former: 403, otherTenant: 200, ...all(403) },
  },
  OpenBreakGlass: ofOfficers(({ conversationId }) => ({ conversationId, reason: "an emergency", minutes: 5 })),
  EndBreakGlass: ofOfficers(({ grantId }) => ({ grantId })),
  Approve: ofOfficers(({ approvalId }) => ({ caseId: approvalId })),
  ListApprovals: { ...ofOfficers(nothing), statuses: { stranger: 403, former: 403, otherTenant: 200, ...all(403) } },
  PlaceHold: ofOfficers(({ conversationId }) => ({ conversationId, reason: "a lawsuit" })),
  ListHolds: { ...ofOfficers(nothing), statuses: { stranger: 403, former: 403, otherTenant: 200, ...all(403) } },
  ReadHeld: ofOfficers(({ holdId }) => ({ holdId })),
  GetRetention: { ...ofOfficers(nothing), statuses: { stranger: 403, former: 403, otherTenant: 200, ...all(403) } },
  SetRetention: {
    ...ofOfficers(() => ({ rules: [{ days: 36_500 }] })),
    statuses: { stranger: 403, former: 403, otherTenant: 200, ...all(403) },
  },
  LiftHold: ofOfficers(({ holdId }) => ({ holdId })),
  RequestExport: ofOfficers(({ conversationId }) => ({ kind: "conversation", conversationIds: [conversationId] })),
  GetExport: ofOfficers(({ exportId }) => ({ exportId })),
  GetExportArchive: ofOfficers(({ exportId }) => ({ exportId })),
  GetErasure: ofOfficers(({ erasureId }) => ({ erasureId })),
  // Whoever comes after it finds nobody there.
  RequestErasure: ofOfficers(({ bystanderId }) => ({ userId: bystanderId, reason: "asked for it" })),
};
