import { Command, CommanderError, Option } from "commander";
import { variables } from "../infra/config.ts";
import { VERSION } from "../infra/version.ts";
import { exitCodes, exitCodesHelp } from "./exitCodes.ts";
import { reportFailure } from "./report.ts";
import { withDataFlag } from "./settings.ts";

const variablesHelp = `
Variables of the environment (a flag stands over its variable):
${variables.map(({ name, about }) => `  ${name.padEnd(24)} ${about}`).join("\n")}`;

/** Runs the command of these arguments (as in `process.argv`). Never throws; resolves with the exit code. */
export async function runScripta(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  /** What a command needs is loaded when it runs, so that help is there at once. */
  const runs =
    <Args extends unknown[]>(run: (...args: Args) => Promise<number>) =>
    async (...args: Args) => {
      exitCode = await run(...args);
    };
  /** Asked for once all flags are known: whoever misspelt one is told of that one. */
  const needs = (command: Command, flags: string, about: string) =>
    command.option(flags, about).hook("preAction", (_, it) => {
      if (it.getOptionValue(new Option(flags).attributeName()) === undefined)
        it.error(`error: required option '${flags}' not specified`);
    });
  const program = new Command("scripta")
    .description("A chat backend whose only truth is an append-only log of events.")
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", exitCodesHelp);

  withDataFlag(program.command("start"))
    .description("run the server, with its database, until Ctrl-C")
    .option("--host <address>", "address to listen on (SCRIPTA_HOST, else 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 for any (SCRIPTA_PORT, else 8080)")
    .addHelpText(
      "after",
      `${variablesHelp}\n\nExample:\n  $ scripta start --port 8090 --data /srv/scripta\n${exitCodesHelp}`,
    )
    .action(runs(async (flags) => (await import("./start.ts")).startCommand(flags)));

  const reports = (command: Command) => withDataFlag(command).option("--json", "as one line of JSON");

  reports(program.command("doctor"))
    .description("what is configured, reachable and behind; exit code 1 if something is wrong")
    .addHelpText(
      "after",
      `\nExample:\n  $ scripta doctor --json | jq '.findings[] | select(.ok | not)'\n${exitCodesHelp}`,
    )
    .action(runs(async (flags) => (await import("./doctor.ts")).doctorCommand(flags)));

  const show = program.command("show").description("what is in the log, opened");
  reports(show.command("conversation <id>"))
    .description("a conversation as it is or was: members, marks, messages; that it was shown is written down")
    .option("--as-of <time>", "as it was at a time, such as 2026-11-20T08:00Z")
    .option("--position <position>", "as it was at a position of the log")
    .option("--limit <count>", "messages at most", "50")
    .option("--before <seq>", "the messages before this one, rather than the last ones")
    .option("--tenant <name>", "the organisation", "main")
    .option("--purpose <words>", "why, kept sealed beside the entry that says it was shown")
    .addHelpText(
      "after",
      "\nExample:\n  $ scripta show conversation 3b9da4ba-e2c9-5d77-a364-4b9e55c561e3 --as-of 2026-11-20T08:00Z",
    )
    .action(runs(async (id, flags) => (await import("./show.ts")).showConversationCommand(id, flags)));

  const log = program.command("log").description("the log itself; what is personal in it stays sealed");
  reports(log.command("tail"))
    .description("the last events, as they lie there")
    .option("--follow", "go on with what comes, until Ctrl-C")
    .option("--stream <stream>", "of one stream alone, such as main/conversation-<uuid>")
    .option("--from <position>", "all from a position on, rather than the last ones")
    .option("--lines <count>", "how many of the last", "10")
    .addHelpText("after", "\nExample:\n  $ scripta log tail --follow --json | jq -r .type")
    .action(runs(async (flags) => (await import("./log/tail.ts")).tailCommand(flags)));
  reports(log.command("stats"))
    .description("how many events of which type, their sizes, streams and days")
    .action(runs(async (flags) => (await import("./log/stats.ts")).statsCommand(flags)));
  reports(log.command("export <file>"))
    .description("all events as JSON lines, byte for byte; - for standard output. A file that is there is gone on with")
    .option("--from <position>", "from a position on")
    .addHelpText("after", "\nExample:\n  $ scripta log export - --from 1000001 | zstd > events.jsonl.zst")
    .action(runs(async (file, flags) => (await import("./log/export.ts")).exportCommand(file, flags)));

  log
    .command("verify <url-or-folder>")
    .description("follow the verifiable log as its auditor: every entry, every tile, and what was seen last time")
    .option("--key <key>", "the log's verifier key, or a file with it; else the one that was trusted first")
    .option("--state <folder>", "what is kept from one time to the next (~/.config/scripta/logs)")
    .option("--save <folder>", "also put all of it into a folder, to be verified again from there")
    .option("--token-file <file>", "a file with the access token of an auditor, where the log is not public")
    .option("--json", "as one line of JSON")
    .option("--witness <key...>", "verifier keys of witnesses, or files with them, that must have cosigned")
    .option("--quorum <count>", "how many of the witnesses it takes (all)")
    .addHelpText("after", "\nExample:\n  $ scripta log verify http://127.0.0.1:8080 --save mirror")
    .action(runs(async (where, flags) => (await import("./logVerify/logVerify.ts")).logVerifyCommand(where, flags)));
  reports(log.command("rotate-key"))
    .description("let a new key sign the verifiable log, beside the one before it")
    .action(runs(async (flags) => (await import("./logVerify/rotateLogKey.ts")).rotateLogKeyCommand(flags)));

  reports(program.command("verify"))
    .description("replay the whole log and ask of it what every writer promised; exit code 1 at the first deviation")
    .option("--all [count]", "go on after the first, and list up to so many (100)")
    .option("--log-only", "leave out the read models, which need their room on disk a second time for a while")
    .addHelpText("after", `\nExample:\n  $ scripta verify --all --json | jq '.deviations[]'\n${exitCodesHelp}`)
    .action(runs(async (flags) => (await import("./verify/command.ts")).verifyCommand(flags)));

  const proof = program.command("proof").description("that a message is in the verifiable log");
  withDataFlag(proof.command("get <message>"))
    .description("the proof of a message, to be checked anywhere")
    .option("--tenant <name>", "the organisation", "main")
    .option("--revision <number>", "another of its versions than the current one")
    .option("--purpose <words>", "why, kept sealed beside the entry that says it was given out")
    .addHelpText("after", "\nExample:\n  $ scripta proof get 0198f2c1-7a00-7000-8000-000000000001 > proof.json")
    .action(runs(async (message, flags) => (await import("./proof/getProof.ts")).getProofCommand(message, flags)));
  proof
    .command("page")
    .description("a web page that checks proofs from disk, without network")
    .addHelpText("after", "\nExample:\n  $ scripta proof page > proof-checker.html")
    .action(runs(async () => (await import("./proof/proofPageCommand.ts")).proofPageCommand()));
  needs(proof.command("check <file>"), "--key <key>", "the log's verifier key, or a file with it")
    .description("check a proof offline; exit code 1 if anything does not fit")
    .option("--json", "as one line of JSON")
    .option("--witness <key...>", "verifier keys of witnesses, or files with them, that must have cosigned")
    .option("--quorum <count>", "how many of the witnesses it takes (all)")
    .addHelpText("after", "\nExample:\n  $ scripta proof check proof.json --key log.key")
    .action(runs(async (file, flags) => (await import("./proof/checkProof.ts")).checkProofCommand(file, flags)));

  const tenant = program.command("tenant").description("organisations: nothing crosses from one to another");
  needs(
    reports(tenant.command("add <name>")),
    "--admin <username>:<password>",
    "who gets the roles admin and compliance",
  )
    .description("found an organisation, with its first administrator")
    .addHelpText("after", "\nExample:\n  $ scripta tenant add acme --admin 'root:correct horse'")
    .action(runs(async (name, flags) => (await import("./tenants.ts")).addTenantCommand(name, flags)));
  reports(tenant.command("list"))
    .description("all organisations")
    .action(runs(async (flags) => (await import("./tenants.ts")).listTenantsCommand(flags)));

  reports(program.command("rebuild [models...]"))
    .description("fold read models anew beside the live ones, compare, and put them in their place")
    .option("--all", "every read model")
    .option("--verify-only", "compare and change nothing")
    .option("--replace", "put the new one in place where the live one differs, too")
    .option("--give-up", "drop what a rebuild has built so far")
    .addHelpText(
      "after",
      `
The service goes on meanwhile. Rows that differ are shown; then the live read model stays, and the exit code is 1.
Stopped or killed, the same again goes on where it was.

Examples:
  $ scripta rebuild inbox
  $ scripta rebuild --all --verify-only
${exitCodesHelp}`,
    )
    .action(runs(async (models, flags) => (await import("./rebuild.ts")).rebuildCommand(models, flags)));

  const projections = program.command("projections").description("read models, and what is parked in them");
  reports(projections.command("list", { isDefault: true }))
    .description("how far each has come, what is parked in it, and a rebuild that runs (also without `list`)")
    .action(runs(async (flags) => (await import("./readModels.ts")).listReadModelsCommand(flags)));
  reports(projections.command("unpark <model> <stream>"))
    .description("let a parked stream go on, once what parked it is mended")
    .addHelpText(
      "after",
      "\nExample:\n  $ scripta projections unpark history main/conversation-3b9da4ba-e2c9-5d77-a364-4b9e55c561e3",
    )
    .action(
      runs(async (model, stream, flags) => (await import("./readModels.ts")).unparkCommand(model, stream, flags)),
    );

  reports(program.command("epoch").description("the history that the log is in").command("raise"))
    .description("accept that a restored log ends earlier than what was seen of it: what lay beyond is lost")
    .action(runs(async (flags) => (await import("./upkeep.ts")).raiseEpochCommand(flags)));

  const keys = program.command("keys").description("the keys outside the database");
  reports(keys.command("rotate"))
    .description("change the week keys now; the server does it by itself each week")
    .action(runs(async (flags) => (await import("./upkeep.ts")).rotateKeysCommand(flags)));
  reports(keys.command("restore <folder>"))
    .description("put key files that were lost back from a keys part; what is there is left alone")
    .addHelpText("after", `\nExample:\n  $ scripta keys restore /elsewhere/keys-2026-11-22\n${exitCodesHelp}`)
    .action(runs(async (folder, flags) => (await import("./backup/keysCommand.ts")).restoreKeysCommand(folder, flags)));

  reports(program.command("backup <folder>"))
    .description("save the log and the keys, each in a folder of its own, while the service runs or is stopped")
    .option("--only <part>", "log or keys; keys alone may be saved daily")
    .addHelpText(
      "after",
      `\nExample:\n  $ scripta backup /srv/backups/$(date +%F)\n  $ scripta backup --only keys /elsewhere/keys-$(date +%F)\n${exitCodesHelp}`,
    )
    .action(runs(async (folder, flags) => (await import("./backup/backupCommand.ts")).backupCommand(folder, flags)));
  reports(program.command("restore <folder>"))
    .description("join the log of a backup with the newest keys, in an empty data folder")
    .option("--keys <folder>", "the newest keys part, where it is not the backup's own")
    .addHelpText(
      "after",
      `\nExample:\n  $ scripta restore /srv/backups/2026-11-20 --keys /elsewhere/keys-2026-11-22 --data /srv/scripta\n${exitCodesHelp}`,
    )
    .action(runs(async (folder, flags) => (await import("./backup/restoreCommand.ts")).restoreCommand(folder, flags)));

  needs(reports(program.command("erase <person>")), "--reason <words>", "why, kept sealed")
    .description("erase a person, by user name or id: all that they wrote becomes unreadable, for ever")
    .option(
      "--partial",
      "where holds stand in the way: keep what they cover for the compliance role alone, erase the rest",
    )
    .option("--redact-name <conversation...>", "ids of groups whose names, of now and before, go as well")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText("after", '\nExample:\n  $ scripta erase ada --reason "asked for it by letter of 3 March"')
    .action(runs(async (person, flags) => (await import("./erase.ts")).eraseCommand(person, flags)));

  const witness = program
    .command("witness")
    .description("cosign checkpoints of others' logs, each only if it goes on from the last one, until Ctrl-C");
  needs(witness, "--key <file>", "the witness's own key; made where there is none");
  needs(witness, "--log <key...>", "verifier keys of the logs, or files with them")
    .option("--name <name>", "of a witness that is made now, such as auditor.example/w1")
    .option("--state <folder>", "where the last size and root of each log are kept (<key>.heads)")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on, 0 for any", "8099")
    .addHelpText("after", "\nExample:\n  $ scripta witness --key witness.key --name auditor.example/w1 --log log.key")
    .action(runs(async (flags) => (await import("./witness/witness.ts")).witnessCommand(flags)));

  const hold = program
    .command("hold")
    .description("legal holds: what lies in their scope outlives erasure and retention");
  needs(reports(hold.command("place")), "--reason <words>", "why, kept sealed")
    .description("preserve a conversation, a person, or a person in a conversation")
    .option("--conversation <id>", "its id")
    .option("--person <name>", "user name or id")
    .option("--from <time>", "recorded from then on")
    .option("--to <time>", "recorded until then")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText(
      "after",
      '\nExample:\n  $ scripta hold place --person ada --from 2026-01-01T00:00:00Z --reason "case 4711"',
    )
    .action(runs(async (flags) => (await import("./hold.ts")).placeHoldCommand(flags)));
  reports(hold.command("lift <hold>"))
    .description("what it alone kept is gone; erasures that it stopped go on")
    .option("--purpose <words>", "why, kept sealed where it waits for a second officer")
    .option("--tenant <name>", "the organisation", "main")
    .action(runs(async (id, flags) => (await import("./hold.ts")).liftHoldCommand(id, flags)));
  reports(hold.command("list"))
    .description("those that stand")
    .option("--tenant <name>", "the organisation", "main")
    .option("--purpose <words>", "why, kept sealed beside the entry that says they were listed")
    .action(runs(async (flags) => (await import("./hold.ts")).listHoldsCommand(flags)));

  const access = program.command("access").description("who looked at what, when, from which device and why");
  reports(access.command("list [person-or-message]", { isDefault: true }))
    .description("of a person's messages, of one message, or of all (also without `list`); this is written down, too")
    .option("--conversation <id>", "of one conversation alone")
    .option("--by <person>", "who looked: user name or id")
    .option("--action <action>", "such as read-conversation, read-proof, break-glass")
    .option("--limit <count>", "entries at most, the newest", "50")
    .option("--cursor <entry>", "rather all after this entry, the oldest first")
    .option("--follow", "go on with what comes, until Ctrl-C: for whoever collects them")
    .option("--purpose <words>", "why, kept sealed")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText(
      "after",
      "\nExamples:\n  $ scripta access ada\n  $ scripta access 0198f2c1-7a00-7000-8000-000000000001\n" +
        "  $ scripta access --follow --cursor 0 --json >> access.jsonl",
    )
    .action(runs(async (what, flags) => (await import("./access/listAccess.ts")).listAccessCommand(what, flags)));

  reports(access.command("seal"))
    .description("say in the log of events how far it has come; the server does it by itself each hour")
    .action(runs(async (flags) => (await import("./access/sealAccess.ts")).sealAccessCommand(flags)));
  reports(access.command("verify"))
    .description("whether it is what was written, and what was sealed; exit code 1 if not")
    .action(runs(async (flags) => (await import("./access/sealAccess.ts")).verifyAccessCommand(flags)));

  const exporting = reports(program.command("export"))
    .description("an archive of a person, of conversations or of what a hold preserves, and its checker")
    .option("--person <name>", "user name or id: what they wrote, what is known of them, who saw it")
    .option("--conversation <ids...>", "all that was said in these")
    .option("--matter <hold>", "what a hold preserves, also what is erased to everybody else")
    .option("--approved <export>", "one that was asked for before, and that a second officer approved")
    .option("--from <time>", "recorded from then on")
    .option("--to <time>", "recorded until then")
    .option("--format <format>", "json, csv, eml or html", "json")
    .option("--out <file>", "where to (export-<id>.zip)")
    .option("--purpose <words>", "why, kept sealed beside the entry that says it was given out")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText("after", "\nExample:\n  $ scripta export --person ada --format html --out ada.zip")
    .action(runs(async (flags) => (await import("./export/make.ts")).exportCommand(flags)));
  exporting
    .command("check <archive>")
    .description("tell offline whether all of an archive is there, and nothing was altered; exit code 1 if not")
    .option("--key <key>", "the log's verifier key, or a file with it; else the one that the archive brings")
    .option("--json", "as one line of JSON")
    .addHelpText("after", "\nExample:\n  $ scripta export check ada.zip --key log.key")
    .action(runs(async (file, flags) => (await import("./export/check.ts")).checkExportCommand(file, flags)));

  reports(program.command("approve <id>"))
    .description("what another asked for, by its id: scripta approvals lists what waits")
    .option("--purpose <words>", "why, kept sealed")
    .option("--tenant <name>", "the organisation", "main")
    .action(runs(async (id, flags) => (await import("./approve.ts")).approveCommand(id, flags)));
  reports(program.command("approvals"))
    .description("what waits for a second officer; this is written down, too")
    .option("--purpose <words>", "why, kept sealed")
    .option("--tenant <name>", "the organisation", "main")
    .action(runs(async (flags) => (await import("./approve.ts")).listApprovalsCommand(flags)));
  const policy = program.command("policy").description("what an organisation demands of its officers");
  reports(policy.command("set <policy> <value>"))
    .description(
      "four-eyes on | off | all, or some of erase,lift-hold,export,shorten-retention; purpose required | optional",
    )
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText("after", "\nExample:\n  $ scripta policy set four-eyes on")
    .action(runs(async (name, value, flags) => (await import("./policy.ts")).setPolicyCommand(name, value, flags)));
  reports(policy.command("list"))
    .description("what is set")
    .option("--tenant <name>", "the organisation", "main")
    .action(runs(async (flags) => (await import("./policy.ts")).listPoliciesCommand(flags)));

  const retention = program.command("retention").description("for how many days messages are kept");
  needs(reports(retention.command("set")), "--days <number>", "how many; ever: as long as nothing else says otherwise")
    .description("keep messages so long: all, those of a kind, or those of one conversation; the narrowest rule counts")
    .option("--kind <kind>", "direct or group")
    .option("--conversation <id>", "of this one alone")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText("after", "\nExample:\n  $ scripta retention set --kind direct --days 365")
    .action(runs(async (flags) => (await import("./retention.ts")).setRetentionCommand(flags)));
  reports(retention.command("list"))
    .description("the rules")
    .option("--tenant <name>", "the organisation", "main")
    .action(runs(async (flags) => (await import("./retention.ts")).listRetentionCommand(flags)));

  program
    .command("data-map")
    .description("where personal data lies, under which key, how long, and how it is erased")
    .option("--json", "as one JSON document")
    .action(runs(async (flags) => (await import("./dataMap/dataMapCommand.ts")).dataMapCommand(flags)));

  const importing = program.command("import").description("bring in what was written elsewhere");
  withDataFlag(importing.command("slack <zip>"))
    .description("import a Slack workspace export through the log; doing it again adds nothing")
    .option("--as <username>", "an account that joins every channel as owner; else its creator owns it")
    .option("--tenant <name>", "the organisation", "main")
    .addHelpText(
      "after",
      `
Each channel becomes a group, each person an account without a password. Stopped or killed, the same again goes on.
The last line on standard output is JSON: {channels, users, added, existing}.

Example:
  $ scripta import slack export.zip --as ada
${exitCodesHelp}`,
    )
    .action(runs(async (zip, flags) => (await import("./import/command.ts")).importSlackCommand(zip, flags)));

  program
    .command("demo")
    .description("three people on two devices each, talking on a temporary server")
    .action(runs(async () => (await import("./demo.ts")).demoCommand()));

  needs(
    program.command("chat"),
    "--user <username>",
    "who you are; the password is asked for, or read from SCRIPTA_PASSWORD",
  )
    .description("chat in this terminal")
    .option("--url <address>", "the server (SCRIPTA_URL, else http://127.0.0.1:8080)")
    .option("--tenant <name>", "the organisation", "main")
    .option("--register", "make the account first")
    .option("--display-name <name>", "how others see the new account")
    .addHelpText("after", "\nExample:\n  $ scripta chat --user ada --register")
    .action(
      runs(async ({ url, ...flags }) =>
        (await import("../clients/terminal/index.ts")).chatCommand({
          url: url ?? process.env.SCRIPTA_URL ?? "http://127.0.0.1:8080",
          ...flags,
        }),
      ),
    );

  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return reportFailure(error);
  }
}
