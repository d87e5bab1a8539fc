import { stat } from "node:fs/promises";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { SettingsStore } from "../settings/store.js";
import type { CliIo } from "./context.js";
import { usersSection } from "./web-users.js";

/**
 * Saves settings with hashes of passwords in them, and says when others can read the file.
 * @throws GatewayError FAILED_PRECONDITION when they can't be written; then the file is as it was
 */
export async function saveWebSettings(store: SettingsStore, io: Pick<CliIo, "stderr">): Promise<void> {
  try {
    await store.save();
  } catch (cause) {
    throw new GatewayError("FAILED_PRECONDITION", `Failed to save settings: ${errorText(cause)}.`, { cause });
  }
  const users = store.sections(usersSection).map((name) => store.origin(`${usersSection}/${name}`, "password")?.file);
  for (const file of new Set(users.filter((found) => found !== undefined))) {
    const { mode } = await stat(file);
    if ((mode & 0o004) !== 0) io.stderr(`Every user of this machine can read ${file}; chmod o-r keeps it from them.\n`);
  }
}
