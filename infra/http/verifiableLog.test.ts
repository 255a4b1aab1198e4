import { expect, test } from "vitest";
import { apiOf, passwordOf } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";

test("where others than this machine's reach the server, the verifiable log is for auditors", async () => {
  const server = await startInProcess({
    SCRIPTA_HOST: "0.0.0.0",
    SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}`,
  });
  try {
    const url = server.url.replace("0.0.0.0", "127.0.0.1");
    const api = apiOf(url);
    const [root, ada] = await Promise.all([api.login("root"), api.person("ada")]);
    const statuses = (token?: string) =>
      Promise.all(
        ["checkpoint", "key", "tile/0/000.p/1", "tile/entries/000.p/1"].map(
          async (path) =>
            (await fetch(`${url}/tlog/${path}`, token ? { headers: { authorization: `Bearer ${token}` } } : {})).status,
        ),
      );
    expect(await statuses()).toEqual([401, 401, 401, 401]);
    expect(await statuses(ada.token)).toEqual([403, 403, 403, 403]);
    expect((await root.put(`/admin/users/${ada.userId}/roles`, { roles: ["auditor"] })).status).toBe(200);
    await expect.poll(() => statuses(ada.token), { timeout: 5_000 }).toEqual([200, 200, 200, 200]);
  } finally {
    await server.stop();
  }
});
