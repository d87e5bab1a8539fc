import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { Principal } from "../kernel/principal.js";
import { closest } from "../settings/did-you-mean.js";
import { readSettings } from "../settings/read.js";
import type { SettingsOf } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import type { Audit } from "./audit.js";
import { AuditLog, type OpenLineFile } from "./audit-log.js";
import { CertificateRoles } from "./certificate-roles.js";
import { certificateName } from "./client-certificate.js";
import type { ClientCertificate, Credentials } from "./credentials.js";
import { Logins } from "./logins.js";
import { grantProblem, noGrants, Roles } from "./roles.js";
import { securitySettings } from "./security-settings.js";
import { LoginThrottle } from "./throttle.js";
import { TokenTable } from "./token-table.js";
import { Users } from "./users.js";

export interface SecurityOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** How the audit log is written. */
  readonly openAuditFile: OpenLineFile;
}

type Settings = SettingsOf<typeof securitySettings>;

/** Longer credentials are nobody's. */
const maxCredentialLength = 8 * 1024;
/** Certificates whose principals are kept at hand. */
const maxCertificates = 10_000;

/**
 * Who calls and what they may do, for every front end: certificates, tokens, users, roles, throttling, audit.
 *
 * It refuses everybody until `reload` has given it the settings for the first time.
 */
export class Security {
  readonly audit: Audit;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #auditLog: AuditLog;
  readonly #throttle: LoginThrottle;
  readonly #tokens: TokenTable;
  readonly #logins: Logins;
  readonly #byCertificate = new Map<string, Principal>();
  readonly #byToken = new Map<string, Principal>();
  #roles = new Roles();
  #certificates = new CertificateRoles(new Map());
  #defaultCertificateRole = "";
  #anonymous: Principal | undefined;

  constructor({ clock, log, openAuditFile }: SecurityOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#auditLog = new AuditLog(clock, this.#log, openAuditFile);
    this.audit = this.#auditLog;
    this.#throttle = new LoginThrottle(clock, { maxFailures: 10, blockMs: 60_000 });
    this.#tokens = new TokenTable(clock, this.#log, () => this.#byToken.clear());
    this.#logins = new Logins(clock, this.#throttle);
  }

  /**
   * Finds out who calls. What the caller shows in the call itself (token, then user) beats the certificate of the
   * connection; what is wrong is refused and nothing else is tried. The same credentials give the same object again.
   *
   * After too many failed logins the peer's address is blocked for a while: passwords and unknown tokens are refused
   * unseen. Certificates and known tokens still get in, because they can't be guessed, and one stranger behind the same
   * address must not lock out a monitoring server.
   *
   * @throws GatewayError UNAUTHENTICATED for missing or wrong credentials and for blocked addresses; the text says which
   * @throws GatewayError RESOURCE_EXHAUSTED when too many passwords wait to be checked
   */
  async authenticate(credentials: Credentials): Promise<Principal> {
    const { bearer, basic, certificate } = credentials;
    if (bearer !== undefined) return this.#token(bearer, credentials);
    if (basic !== undefined) return this.#user(basic, credentials);
    if (certificate !== undefined) return this.#certificate(certificate);
    return this.#anonymous ?? this.#refuse(credentials, "anonymous", "Credentials are required.");
  }

  /**
   * Somebody whom a front end knows by a secret of its own settings. Who has a role that is not there may do nothing.
   * @param name as it stands in logs and in the audit, such as `token:web1`
   */
  principal(kind: Principal["kind"], name: string, role: string): Principal {
    return { name, kind, grants: this.#roles.get(role) ?? noGrants };
  }

  /**
   * Takes the settings: roles, users, certificates, tokens, throttling, audit.
   * @throws GatewayError CONFIGURATION when they are wrong; then all stays as it was
   */
  async reload(store: SettingsStore): Promise<void> {
    const settings = readSettings(securitySettings, store, "");
    await this.#tokens.use(settings.tokenFile);
    await this.#auditLog.use(settings.audit);
    const { maxFailures, blockSeconds } = settings;
    this.#throttle.settings = { maxFailures, blockMs: blockSeconds * 1000 };
    this.#roles = new Roles(settings.roles, settings.webRoles);
    this.#certificates = new CertificateRoles(settings.certificates);
    this.#defaultCertificateRole = settings.defaultCertificateRole;
    this.#anonymous =
      settings.anonymousRole === "" ? undefined : this.principal("anonymous", "anonymous", settings.anonymousRole);
    const users = new Users(usersOf(settings.users), usersOf(settings.webUsers));
    this.#logins.use(users, (name, role) => this.principal("user", `user:${name}`, role));
    this.#byCertificate.clear();
    this.#byToken.clear();
    this.#report(settings, users);
  }

  /** Writes out what the audit log still holds and stops watching files. */
  async close(): Promise<void> {
    this.#tokens.close();
    await this.#auditLog.close();
  }

  #certificate(certificate: ClientCertificate): Principal {
    const known = this.#byCertificate.get(certificate.fingerprint256);
    if (known !== undefined) return known;
    const role = this.#certificates.roleOf(certificate) ?? this.#defaultCertificateRole;
    const principal = this.principal("certificate", certificateName(certificate), role);
    if (this.#byCertificate.size >= maxCertificates) this.#byCertificate.clear();
    this.#byCertificate.set(certificate.fingerprint256, principal);
    return principal;
  }

  async #token(token: string, credentials: Credentials): Promise<Principal> {
    const record = token.length > maxCredentialLength ? undefined : await this.#tokens.find(token);
    if (record === undefined) {
      this.#refuseBlocked(credentials, "token");
      this.#throttle.failed(credentials.peer);
      return this.#refuse(credentials, "token", "The token is not known.");
    }
    const name = `token:${record.name}`;
    // No guess, and so no reason to block anybody: the owner of the token has to renew it.
    if (record.expires !== undefined && record.expires <= this.#clock.now()) {
      return this.#refuse(credentials, name, `The token ${record.name} has expired.`);
    }
    const known = this.#byToken.get(record.hash);
    if (known !== undefined) return known;
    const principal = this.principal("token", name, record.role);
    this.#byToken.set(record.hash, principal);
    return principal;
  }

  async #user({ user, password }: { user: string; password: string }, credentials: Credentials): Promise<Principal> {
    const name = `user:${user.replace(/\p{C}/gu, "?").slice(0, 256)}`;
    this.#refuseBlocked(credentials, name);
    if (user.length + password.length > maxCredentialLength) {
      this.#throttle.failed(credentials.peer);
      return this.#refuse(credentials, name, "Wrong user or password.");
    }
    const principal = await this.#logins.login(user, password, credentials.peer);
    return principal ?? this.#refuse(credentials, name, "Wrong user or password.");
  }

  #refuseBlocked(credentials: Credentials, name: string): void {
    const seconds = Math.ceil(this.#throttle.blockedFor(credentials.peer) / 1000);
    if (seconds === 0) return;
    this.#refuse(credentials, name, `Too many failed logins from ${credentials.peer}; try again in ${seconds} s.`);
  }

  #refuse(credentials: Credentials, name: string, reason: string): never {
    const { peer, frontEnd } = credentials;
    const kind = name.startsWith("user:") ? "user" : name.startsWith("token") ? "token" : "anonymous";
    this.audit.record({ action: "login", outcome: "denied", principal: { name, kind }, peer, frontEnd, reason });
    throw new GatewayError("UNAUTHENTICATED", reason);
  }

  /** Says what is probably not meant, though it only ever means that somebody may do less. */
  #report(settings: Settings, users: Users): void {
    for (const problem of users.problems) this.#log.error(problem);
    for (const [role, grants] of [...settings.roles, ...settings.webRoles]) {
      for (const grant of grants) {
        const problem = grantProblem(grant);
        if (problem !== undefined) this.#log.warn(`Role ${role}: ${problem}`);
      }
      if (grants.includes("legacy")) {
        this.#log.error(`The role ${role} has the grant legacy, which runs checks without queries.execute`);
      }
    }
    const given = [
      ...this.#certificates.roles().map(({ name, role }) => ({ who: `The certificate ${name}`, role })),
      ...users.roles().map(({ name, role }) => ({ who: `The user ${name}`, role })),
      ...[...this.#tokens.records()].map(({ name, role }) => ({ who: `The token ${name}`, role })),
      { who: "Every other certificate", role: settings.defaultCertificateRole },
      { who: "Whoever is anonymous", role: settings.anonymousRole },
    ];
    for (const { who, role } of given) {
      if (role === "" || this.#roles.get(role) !== undefined) continue;
      const meant = closest(role, this.#roles.names());
      const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
      this.#log.warn(`${who} has the role "${role}", which is not there${hint}, and so may do nothing`);
    }
  }
}

type UserObjects = Settings["users"];

function usersOf({ active }: UserObjects) {
  return new Map([...active].map(([name, { values }]) => [name, values]));
}
