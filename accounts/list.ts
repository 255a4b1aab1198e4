import { SetPreferences, UpdateProfile } from "../commands/index.ts";
import { type OpenDoor, openDoor } from "../infra/ports/door.ts";
import { Deactivate, Reactivate, SetRoles } from "./doors/admin.ts";
import { ListDevices, SignOutOwnDevice } from "./doors/devices.ts";
import { Exchange } from "./doors/exchange.ts";
import { Login } from "./doors/login.ts";
import { Logout } from "./doors/logout.ts";
import { GetMe, GetPreferences } from "./doors/me.ts";
import { Refresh } from "./doors/refresh.ts";
import { Register } from "./doors/register.ts";
import { FindUsers, GetUser } from "./doors/users.ts";
import type { AccountParts } from "./parts.ts";

/** Every door of accounts: signing in, oneself, other people, administration. */
export const openAccounts = (parts: AccountParts): OpenDoor[] => [
  openDoor(Register, parts),
  openDoor(Login, parts),
  openDoor(Refresh, parts),
  openDoor(Logout, parts),
  openDoor(Exchange, parts),
  openDoor(GetMe, parts),
  openDoor(UpdateProfile.door, parts.engine),
  openDoor(GetPreferences, parts),
  openDoor(SetPreferences.door, parts.engine),
  openDoor(ListDevices, parts),
  openDoor(SignOutOwnDevice, parts),
  openDoor(GetUser, parts),
  openDoor(FindUsers, parts),
  openDoor(SetRoles, parts),
  openDoor(Deactivate, parts),
  openDoor(Reactivate, parts),
];
