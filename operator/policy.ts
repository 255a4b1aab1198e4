import { readPolicies } from "../compliance/policies/readPolicies.ts";
import { setPolicies } from "../compliance/policies/setPolicies.ts";
import type { Policies } from "../domain/tenant/events.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface PolicyFlags extends SettingFlags {
  readonly tenant: string;
  readonly json?: boolean;
}

/** What may be said of each policy on the command line. */
const settings: Readonly<Record<string, Readonly<Record<string, Partial<Policies>>>>> = {
  "four-eyes": { on: { fourEyes: true }, off: { fourEyes: false } },
  purpose: { required: { purpose: "required" }, optional: { purpose: "optional" } },
};

export function setPolicyCommand(policy: string, value: string, flags: PolicyFlags): Promise<number> {
  const values = Object.hasOwn(settings, policy) ? settings[policy] : undefined;
  if (!values) throw new CommandFailed(`there is no policy ${policy}; there are ${Object.keys(settings).join(", ")}`);
  const change = Object.hasOwn(values, value) ? values[value] : undefined;
  if (!change) throw new CommandFailed(`${policy} is ${Object.keys(values).join(" or ")}, not ${value}`);
  return withPolicies(flags, async (engine) => {
    const refused = await setPolicies(engine, flags.tenant, change);
    if (refused) throw new CommandFailed(refused.detail);
  });
}

export const listPoliciesCommand = (flags: PolicyFlags): Promise<number> => withPolicies(flags, async () => {});

type Work = (engine: Parameters<typeof setPolicies>[0]) => Promise<void>;

const withPolicies = (flags: PolicyFlags, work: Work): Promise<number> =>
  onFolder(flags, async ({ engine }) => {
    await work(engine);
    const policies = await readPolicies(engine.log, flags.tenant);
    print(
      policies,
      flags.json,
      table([
        ["four-eyes", policies.fourEyes ? "on" : "off", "erasing, and lifting a hold, waits for a second officer"],
        ["purpose", policies.purpose, "whoever reads for others says why"],
      ]),
    );
    return exitCodes.done;
  });
