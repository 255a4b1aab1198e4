import { describe, expect, test } from "vitest";
import {
  DeviceSignedIn,
  DeviceSignedOut,
  defaultPreferences,
  PreferencesChanged,
  ProfileChanged,
  UserDeactivated,
  UserReactivated,
  UserRegistered,
} from "../../domain/user/events.ts";
import { given } from "../../test/support/given.ts";
import { DeactivateUser } from "./deactivateUser.ts";
import { ReactivateUser } from "./reactivateUser.ts";
import { RegisterUser } from "./registerUser.ts";
import { SetPreferences } from "./setPreferences.ts";
import { SignInDevice } from "./signInDevice.ts";
import { SignOutDevice } from "./signOutDevice.ts";
import { UpdateProfile } from "./updateProfile.ts";

const ada = crypto.randomUUID();
const root = crypto.randomUUID();
const phone = crypto.randomUUID();
const picture = crypto.randomUUID();
const names = { username: "ada", displayName: "Ada" };
const registered = UserRegistered({ imported: false }, names);
const onPhone = DeviceSignedIn({ deviceId: phone, platform: "ios" }, { name: "Ada's phone" });
const byAdmin = { by: { roles: ["admin"] } } as const;

describe("RegisterUser", () => {
  const registration = { ...names, imported: false };
  test("makes the account, its names sealed", () =>
    given().when(RegisterUser, registration, ada).thenEvents(registered));
  test("happens once", () => given(registered).when(RegisterUser, registration, ada).thenRejected("conflict"));
});

describe("UpdateProfile", () => {
  test("keeps what it does not name", () =>
    given(registered, ProfileChanged({ avatar: picture }, { displayName: "Ada" }))
      .when(UpdateProfile, { avatar: null }, ada)
      .thenEvents(ProfileChanged({ avatar: null }, { displayName: "Ada" })));
  test("takes no picture that is not among one's own uploads", () => {
    given(registered).when(UpdateProfile, { avatar: picture }, ada).thenRejected("not-found");
    given(registered, ProfileChanged({ avatar: picture }, { displayName: "Ada" }))
      .when(UpdateProfile, { avatar: crypto.randomUUID() }, ada)
      .thenRejected("not-found");
  });
  test("changes the name alone", () =>
    given(registered, ProfileChanged({ avatar: picture }, { displayName: "Ada" }))
      .when(UpdateProfile, { displayName: "Countess" }, ada)
      .thenEvents(ProfileChanged({ avatar: picture }, { displayName: "Countess" })));
  test("without effect names the event that made it so", () =>
    given(registered, onPhone).when(UpdateProfile, { displayName: "Ada", avatar: null }, ada).thenUnchanged(0));
  test.each(["", "  ", "a\u0000b", "\ud800", "x".repeat(129)])("refuses %j as a name", (displayName) =>
    expect(UpdateProfile.payload.safeParse({ displayName }).success).toBe(false),
  );
});

describe("SetPreferences", () => {
  const quiet = { ...defaultPreferences, quietHours: { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" } };
  test("keeps them", () => given(registered).when(SetPreferences, quiet, ada).thenEvents(PreferencesChanged(quiet)));
  test("twice is once", () =>
    given(registered, PreferencesChanged(quiet)).when(SetPreferences, quiet, ada).thenUnchanged(1));
  test("refuses a time zone that is none", () => {
    const nowhere = { ...quiet, quietHours: { ...quiet.quietHours, timeZone: "Europe/Atlantis" } };
    expect(SetPreferences.payload.safeParse(nowhere).success).toBe(false);
  });
});

describe("devices", () => {
  const device = { deviceId: phone, platform: "ios", name: "Ada's phone" };
  test("sign in", () => given(registered).when(SignInDevice, device, ada).thenEvents(onPhone));
  test("do not sign in to a deactivated account", () =>
    given(registered, UserDeactivated({})).when(SignInDevice, device, ada).thenRejected("unauthenticated"));
  test("sign out once", () => {
    given(registered, onPhone)
      .when(SignOutDevice, { deviceId: phone }, ada)
      .thenEvents(DeviceSignedOut({ deviceId: phone }));
    given(registered, onPhone, DeviceSignedOut({ deviceId: phone }))
      .when(SignOutDevice, { deviceId: phone }, ada)
      .thenUnchanged(0);
  });
});

describe("deactivation", () => {
  test("signs every device out", () =>
    given(registered, onPhone)
      .when(DeactivateUser, { userId: ada }, root, byAdmin)
      .thenEvents(UserDeactivated({}), DeviceSignedOut({ deviceId: phone })));
  test("is for administrators", () =>
    given(registered).when(DeactivateUser, { userId: ada }, ada).thenRejected("forbidden"));
  test("of nobody is not found", () =>
    given().when(DeactivateUser, { userId: ada }, root, byAdmin).thenRejected("not-found"));
  test("is undone by a reactivation, which is for administrators too", () => {
    given(registered, UserDeactivated({}))
      .when(ReactivateUser, { userId: ada }, root, byAdmin)
      .thenEvents(UserReactivated({}));
    given(registered, UserDeactivated({})).when(ReactivateUser, { userId: ada }, ada).thenRejected("forbidden");
  });
});
