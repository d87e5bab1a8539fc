import type { ServerSettings } from "./settings.js";

const openTls = "TLS 1.0 and anonymous Diffie-Hellman: whoever is on the way can read and change everything";

/**
 * What of the settings is less safe than it could be, or probably not meant: a sentence each, said at every start.
 *
 * @param canRunChecks whether the role allows any check
 */
export function settingsWarnings(settings: ServerSettings, canRunChecks: boolean): string[] {
  const { useSsl, verifyMode, clientIdentitySource, role } = settings;
  const { insecure, legacyAnonymousTls, legacyAllowedHosts, allowNastyCharacters, extendedResponse } = settings;
  const isLegacy = insecure || legacyAnonymousTls;
  const isRoleUsed = !useSsl || isLegacy || verifyMode !== "peer-cert" || clientIdentitySource === "none";
  const hosts = legacyAllowedHosts.join(", ");
  const warnings: [applies: boolean, text: string][] = [
    [!useSsl, "WITHOUT TLS (use ssl = false): whoever is on the way can read and change what is asked and answered"],
    [
      useSsl && insecure,
      `INSECURE (insecure = true): all allowed hosts may use ${openTls}. Give the few that need it legacy anonymous tls and legacy allowed hosts`,
    ],
    [
      useSsl && !insecure && legacyAnonymousTls && hosts !== "",
      `LEGACY ANONYMOUS TLS is on: ${hosts} may use ${openTls}`,
    ],
    [
      useSsl && !insecure && legacyAnonymousTls && hosts === "",
      "Legacy anonymous TLS is on and legacy allowed hosts is empty: nobody may use it",
    ],
    [!useSsl && isLegacy, "Legacy anonymous TLS is on and use ssl is off: there is no TLS at all"],
    [
      useSsl && !insecure && /^1\.[01]/.test(settings.tlsVersion ?? ""),
      `TLS before 1.2 is taken from everybody (tls version = ${settings.tlsVersion}): what is sent can be read and changed. Give the few clients that need it legacy anonymous tls`,
    ],
    [allowNastyCharacters, "Allow nasty characters is on: commands get characters that shells act upon"],
    [extendedResponse, "Extended response is on: check_nrpe -2 fails on answers that are longer than a packet"],
    [isRoleUsed && !canRunChecks, `The role "${role}" does not allow clients without a certificate to run any check`],
  ];
  return warnings.filter(([applies]) => applies).map(([, text]) => text);
}
