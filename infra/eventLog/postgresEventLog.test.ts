import { freshDatabase } from "../../test/support/postgres.ts";
import { migrate } from "../postgres/migrate.ts";
import { eventLogContract } from "./eventLogContract.ts";
import { logMigrations } from "./migrations.ts";
import { PostgresEventLog } from "./postgresEventLog.ts";

eventLogContract("Postgres", async (clock) => {
  const { url, database, drop } = await freshDatabase();
  await migrate(database, logMigrations());
  const log = new PostgresEventLog(url, { clock });
  return {
    log,
    async close() {
      await log.close();
      await drop();
    },
  };
});
