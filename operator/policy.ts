import { z } from "zod";
import { readPolicies } from "../compliance/policies/readPolicies.ts";
import { setPolicies } from "../compliance/policies/setPolicies.ts";
import { FourEyesAction, type Policies } from "../domain/tenant/events.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface PolicyFlags extends SettingFlags {
  readonly tenant: string;
  readonly json?: boolean;
}

const whatOnMeans: readonly FourEyesAction[] = ["erase", "lift-hold"];

/** What may be said of each policy on the command line. */
const settings: Readonly<Record<string, { readonly takes: string; of(value: string): Partial<Policies> | undefined }>> =
  {
    "four-eyes": {
      takes: `on (${whatOnMeans.join(",")}), off, all, or some of ${FourEyesAction.options.join(",")}`,
      of(value) {
        const named: Readonly<Record<string, readonly string[]>> = {
          on: whatOnMeans,
          off: [],
          all: FourEyesAction.options,
        };
        const actions = z
          .array(FourEyesAction)
          .safeParse(Object.hasOwn(named, value) ? named[value] : value.split(","));
        return actions.success ? { fourEyes: actions.data } : undefined;
      },
    },
    purpose: {
      takes: "required or optional",
      of: (value) => (value === "required" || value === "optional" ? { purpose: value } : undefined),
    },
  };

export function setPolicyCommand(policy: string, value: string, flags: PolicyFlags): Promise<number> {
  const setting = Object.hasOwn(settings, policy) ? settings[policy] : undefined;
  if (!setting) throw new CommandFailed(`there is no policy ${policy}; there are ${Object.keys(settings).join(", ")}`);
  const change = setting.of(value);
  if (!change) throw new CommandFailed(`${policy} is ${setting.takes}; not ${value}`);
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
        ["four-eyes", policies.fourEyes.join(",") || "off", "what waits for a second officer"],
        ["purpose", policies.purpose, "whoever reads for others says why"],
      ]),
    );
    return exitCodes.done;
  });
