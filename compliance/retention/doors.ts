import { z } from "zod";
import { type Engine, Placement, unchanged } from "../../commands/index.ts";
import { tenant as tenantAggregate } from "../../commands/tenant/aggregate.ts";
import type { By } from "../../domain/by.ts";
import { createdId, streamId, tenantId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { RetentionChanged, RetentionRule } from "../../domain/tenant/events.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
import { askApproval } from "../approvals/approval.ts";
import type { ComplianceParts } from "../parts.ts";
import { takesTwo } from "../policies/readPolicies.ts";
import { readRules, shortens } from "./rules.ts";

const scopeOf = ({ kind, conversationId }: RetentionRule) => conversationId ?? kind ?? "all";

export const RetentionRules = z
  .array(z.strictObject(RetentionRule.shape))
  .max(1_000)
  .refine(
    (rules) => rules.every(({ kind, conversationId }) => !(kind && conversationId)),
    "a rule is about a kind or a conversation",
  )
  .refine((rules) => new Set(rules.map(scopeOf)).size === rules.length, "two rules are about the same");

export const GetRetention = door({
  name: "GetRetention",
  route: "GET /api/v1/compliance/retention",
  summary: "For how many days messages are kept.",
  status: 200,
  access: ["compliance", "auditor"],
  socket: false,
  audited: true,
  payload: z.strictObject({}),
  result: z.strictObject({ rules: z.array(RetentionRule) }),

  async run(_, by, { accounts: { engine, database } }: ComplianceParts) {
    const refused = await writtenDown({ database, engine }, lookingBy(by), "read-retention", {});
    return refused ?? { body: { rules: [...(await readRules(engine, by.tenant))] } };
  },
});

export const SetRetention = door({
  name: "SetRetention",
  route: "PUT /api/v1/compliance/retention",
  summary:
    "Says for how many days messages are kept; what is older becomes unreadable for ever. The narrowest rule counts.",
  status: 200,
  access: ["compliance"],
  socket: false,
  payload: z.strictObject({ rules: RetentionRules }),
  result: Placement.extend({
    status: z
      .enum(["set", "waiting"])
      .describe("`waiting`: something would be kept for less long, and that waits for a second officer, with 202."),
    caseId: Uuid.optional().describe("By which it is approved."),
  }),

  async run({ rules }, by, parts: ComplianceParts) {
    const set = await setRetention(parts, rules, by);
    if (isRejection(set)) return set;
    return set.status === "waiting" ? { body: set, status: 202 } : { body: set };
  },
});

type Set = z.output<typeof Placement> & { readonly status: "set" | "waiting"; readonly caseId?: string };

/** Sets them, or lets that wait to be approved, as the tenant's policy says of rules that keep anything for less long. */
export async function setRetention(
  parts: ComplianceParts,
  rules: z.output<typeof RetentionRules>,
  by: By,
): Promise<Set | Rejection> {
  const { engine } = parts.accounts;
  for (const { conversationId } of rules)
    if (conversationId !== undefined && !(await isThere(engine, by.tenant, conversationId)))
      return reject("not-found", `no such conversation: ${conversationId}`);
  const isTwo = await takesTwo(engine.log, by.tenant, "shorten-retention");
  if (isTwo && shortens(await readRules(engine, by.tenant), rules)) {
    const commandId = by.key ?? engine.newId();
    const caseId = createdId("retention", by.tenant, by.userId, commandId);
    const what = { action: "shorten-retention" as const, caseId, rules };
    const asked = await askApproval(parts.accounts, { what, reason: null, commandId }, by);
    return isRejection(asked) ? asked : { ...asked, status: "waiting", caseId };
  }
  const changed = await changeRetention(parts, rules, by);
  return isRejection(changed) ? changed : { ...changed, status: "set" };
}

export async function changeRetention(
  { accounts: { engine }, retention }: ComplianceParts,
  rules: readonly RetentionRule[],
  by: By,
): Promise<z.output<typeof Placement> | Rejection> {
  const outcome = await tenantAggregate.mailboxes(engine).send(streamId(by.tenant, "tenant", tenantId(by.tenant)), {
    name: "SetRetention",
    payload: { rules },
    sender: { ...by, commandId: by.key ?? engine.newId() },
    keyed: by.key !== undefined,
    needs: () => undefined,
    decide: (state) =>
      JSON.stringify(state.retention) === JSON.stringify(rules)
        ? unchanged(state.retentionAt)
        : [RetentionChanged({ rules: [...rules] })],
  });
  if (isRejection(outcome)) return outcome;
  retention.wake();
  return { position: outcome.position, revision: outcome.revision };
}

const isThere = async ({ log }: Engine, tenant: string, conversationId: string): Promise<boolean> =>
  (await log.revision(streamId(tenant, "conversation", conversationId))) >= 0;
