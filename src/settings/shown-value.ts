import type { SettingsStore } from "./store.js";

/** A URL as everybody may see it: `http://user:***@host/`. Other texts stay as they are. */
export function hideUrlPassword(text: string): string {
  return text.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#]*@/i, "$1:***@");
}

/**
 * The value of a key as everybody may see it: `***` for a secret, and without the password of a URL.
 * @param value another value than the present one
 */
export function shownValue(
  store: SettingsStore,
  path: string,
  key: string,
  value = store.getString(path, key),
): string {
  return value !== "" && store.registry.isSensitive(path, key) ? "***" : hideUrlPassword(value);
}
