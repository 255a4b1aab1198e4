import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { clientAddress } from "./clientAddress.ts";

function from(remoteAddress: string, forwarded?: string): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: remoteAddress });
  const request = new IncomingMessage(socket);
  if (forwarded !== undefined) request.headers["x-forwarded-for"] = forwarded;
  return request;
}
const behind = (proxies: string) => clientAddress(readConfig({ SCRIPTA_TRUSTED_PROXIES: proxies }).trustedProxies);

test("nobody is believed who says for whom a request is, until a proxy is trusted", () => {
  expect(behind("")(from("127.0.0.1", "203.0.113.7"))).toBe("127.0.0.1");
  expect(behind("10.0.0.1")(from("198.51.100.9", "203.0.113.7"))).toBe("198.51.100.9");
});

test("behind trusted proxies the client is the last address that none of them has", () => {
  const address = behind("127.0.0.1, 10.0.0.0/8, fd00::/8");
  expect(address(from("127.0.0.1", "203.0.113.7"))).toBe("203.0.113.7");
  expect(address(from("::ffff:127.0.0.1", "203.0.113.7, 10.1.2.3"))).toBe("203.0.113.7");
  expect(address(from("fd00::1", "1.1.1.1, 2001:db8::7,10.1.2.3"))).toBe("2001:db8::7");
  expect(address(from("127.0.0.1"))).toBe("127.0.0.1");
  expect(address(from("127.0.0.1", "203.0.113.7, not an address"))).toBe("127.0.0.1");
  expect(address(from("127.0.0.1", "10.0.0.2, 10.0.0.3"))).toBe("10.0.0.2");
});

test("what is no address is no proxy", () => {
  for (const wrong of ["everybody", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "1.2.3"])
    expect(() => readConfig({ SCRIPTA_TRUSTED_PROXIES: wrong }), wrong).toThrow(/SCRIPTA_TRUSTED_PROXIES/);
});
