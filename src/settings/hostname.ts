/**
 * Expands the templates of a `hostname` key: `auto`, `auto-lc` and `auto-uc` as the whole value, and `${hostname}`,
 * `${host}` (before the first dot) and `${domain}` (behind it), each also with `_lc` and `_uc`, in any text.
 *
 * @param system the name of this machine, as `os.hostname()` gives it
 */
export function expandHostname(template: string, system: string): string {
  const whole = wholeNames[template.trim().toLowerCase()];
  if (whole) return whole(system);
  const dot = system.indexOf(".");
  const parts: Readonly<Record<string, string>> = {
    hostname: system,
    host: dot < 0 ? system : system.slice(0, dot),
    domain: dot < 0 ? "" : system.slice(dot + 1),
  };
  return template.replace(/\$\{(hostname|host|domain)(_lc|_uc)?\}/g, (_all, part: string, letters?: string) => {
    const text = parts[part] ?? "";
    if (letters === "_lc") return text.toLowerCase();
    return letters === "_uc" ? text.toUpperCase() : text;
  });
}

const wholeNames: Readonly<Record<string, (system: string) => string>> = {
  auto: (system) => system,
  "auto-lc": (system) => system.toLowerCase(),
  "auto-uc": (system) => system.toUpperCase(),
};
