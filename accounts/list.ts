import { Deactivate, Reactivate, SetRoles } from "./doors/admin.ts";
import { ListDevices, SignOutOwnDevice } from "./doors/devices.ts";
import { Exchange } from "./doors/exchange.ts";
import { Login } from "./doors/login.ts";
import { Logout } from "./doors/logout.ts";
import { GetMe, GetPreferences } from "./doors/me.ts";
import { Refresh } from "./doors/refresh.ts";
import { Register } from "./doors/register.ts";
import { FindUsers, GetUser } from "./doors/users.ts";

/** Every door of accounts. Profile and preferences are changed by commands, which have doors of their own. */
export const accountDoors = [
  Register,
  Login,
  Refresh,
  Logout,
  Exchange,
  GetMe,
  GetUser,
  FindUsers,
  ListDevices,
  SignOutOwnDevice,
  GetPreferences,
  SetRoles,
  Deactivate,
  Reactivate,
] as const;
