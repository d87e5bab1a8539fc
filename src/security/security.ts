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
import { Sessions } from "./sessions.js";
import { LoginThrottle } from "./throttle.js";
import { TokenTable } from "./token-table.js";
import type { TokenRecord } from "./tokens.js";
import { type UserRow, Users } from "./users.js";

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
  readonly #sessions: Sessions;
  readonly #byCertificate = new Map<string, Principal>();
  readonly #byToken = new Map<string, Principal>();
  #revision = 0;
  #roles = new Roles();
  #certificates = new CertificateRoles(new Map());
  #defaultCertificateRole = "";
  #anonymous: Principal | undefined;
  /** Whoever comes over HTTP without credentials. */
  #webAnonymous: Principal | undefined;
  #users = new Users();

  constructor({ clock, log, openAuditFile }: SecurityOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#auditLog = new AuditLog(clock, this.#log, openAuditFile);
    this.audit = this.#auditLog;
    this.#throttle = new LoginThrottle(clock, { maxFailures: 10, blockMs: 60_000 });
    this.#tokens = new TokenTable(clock, this.#log, () => {
      this.#byToken.clear();
      this.#revision++;
    });
    this.#logins = new Logins(clock, this.#throttle);
    this.#sessions = new Sessions(clock);
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
    const known = this.recognise(credentials);
    if (known !== undefined) return known;
    const { bearer, token, basic } = credentials;
    if (bearer !== undefined) return this.#token(bearer, credentials);
    if (token !== undefined) return this.#token(token, credentials);
    if (basic !== undefined) return this.#user(basic, credentials);
    return this.#refuse(credentials, "anonymous", "Credentials are required.");
  }

  /**
   * As `authenticate`, for those who can be told without waiting: known tokens, passwords that were right a short while ago,
   * certificates, and whoever is anonymous where that is allowed.
   *
   * @returns undefined when the credentials are wrong or have to be looked into
   */
  recognise(credentials: Credentials): Principal | undefined {
    const { bearer, token, basic, certificate, peer, frontEnd } = credentials;
    if (bearer !== undefined) {
      if (!credentials.blocksBearer) return this.#knownToken(bearer);
      const principal = this.blockedFor(peer) > 0 ? undefined : this.#knownToken(bearer);
      if (principal !== undefined) this.#throttle.succeeded(peer);
      return principal;
    }
    if (token !== undefined) return this.#knownToken(token);
    if (basic !== undefined) {
      return this.blockedFor(peer) > 0
        ? undefined
        : this.#logins.known(basic.user, basic.password, peer, credentials.memory);
    }
    if (certificate !== undefined) return this.#certificate(certificate);
    return frontEnd === "http" ? (this.#webAnonymous ?? this.#anonymous) : this.#anonymous;
  }

  /** For how many more seconds logins from this address are refused unseen; 0 when they are not. */
  blockedFor(peer: string): number {
    return Math.ceil(this.#throttle.blockedFor(peer) / 1000);
  }

  /**
   * Gives somebody who has shown who he is a token for his further calls. It is good for eight hours, until he logs out or
   * until his row in the table of users changes.
   *
   * @throws GatewayError PERMISSION_DENIED for those who are nobody in particular
   */
  openSession(principal: Principal): string {
    if (principal.kind === "anonymous")
      throw new GatewayError("PERMISSION_DENIED", "Only somebody who is known can log in.");
    const user = principal.kind === "user" ? principal.name.slice("user:".length) : undefined;
    return this.#sessions.open(principal, user);
  }

  /** Grows when users, roles or tokens change: who was let in before has to be looked at again. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether the token is one of an open session. */
  isSession(token: string): boolean {
    return this.#sessions.find(token) !== undefined;
  }

  /** Whether the token lets somebody in now, be it one of a session or of the token file. */
  isGood(token: string): boolean {
    return this.#knownToken(token) !== undefined;
  }

  /** Ends a session. @returns whether there was one with this token */
  closeSession(token: string): boolean {
    return this.#sessions.close(token);
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
    const isWebOpen = settings.web.allowAnonymousAccess && this.#roles.get("anonymous") !== undefined;
    this.#webAnonymous = isWebOpen ? this.principal("anonymous", "anonymous", "anonymous") : undefined;
    const before = this.#users;
    const users = new Users(...userTables(settings));
    this.#users = users;
    const principalOf = (name: string, role: string) => this.principal("user", `user:${name}`, role);
    this.#logins.use(users, principalOf);
    this.#sessions.renew((name) => {
      const role = users.roleInBoth(name, before);
      return role === undefined ? undefined : principalOf(name, role);
    });
    this.#byCertificate.clear();
    this.#byToken.clear();
    this.#revision++;
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

  /** Whose token it is, if it is one that is known and good. */
  #knownToken(token: string): Principal | undefined {
    if (token.length > maxCredentialLength) return undefined;
    const session = this.#sessions.find(token);
    if (session !== undefined) return session;
    const record = this.#tokens.known(token);
    if (record === undefined || (record.expires !== undefined && record.expires <= this.#clock.now())) return undefined;
    return this.#ownerOf(record);
  }

  #ownerOf({ hash, name, role }: TokenRecord): Principal {
    const known = this.#byToken.get(hash);
    if (known !== undefined) return known;
    const principal = this.principal("token", `token:${name}`, role);
    this.#byToken.set(hash, principal);
    return principal;
  }

  async #token(token: string, credentials: Credentials): Promise<Principal> {
    const isGuess = credentials.bearer !== undefined;
    if (isGuess && credentials.blocksBearer) this.#refuseBlocked(credentials, "token");
    const record = token.length > maxCredentialLength ? undefined : await this.#tokens.find(token);
    if (record === undefined) {
      if (isGuess) {
        this.#refuseBlocked(credentials, "token");
        this.#throttle.failed(credentials.peer);
      }
      return this.#refuse(credentials, "token", "The token is not known.");
    }
    // No guess, and so no reason to block anybody: the owner of the token has to renew it.
    if (record.expires !== undefined && record.expires <= this.#clock.now()) {
      return this.#refuse(credentials, `token:${record.name}`, `The token ${record.name} has expired.`);
    }
    return this.#ownerOf(record);
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
    const seconds = this.blockedFor(credentials.peer);
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

/** The users of the settings, an earlier table before a later one. */
function userTables({ users, webUsers, web }: Settings): ReadonlyMap<string, UserRow>[] {
  const written = [usersOf(users), usersOf(webUsers)];
  const { disableAdminUser, password = "" } = web;
  if (disableAdminUser) {
    for (const table of written) table.delete(adminName);
    return written;
  }
  // Who has a password and no table of users means the administrator.
  return password === "" ? written : [...written, new Map([[adminName, { password, role: "full" }]])];
}

const adminName = "admin";

function usersOf({ active }: Settings["users"]): Map<string, UserRow> {
  return new Map([...active].map(([name, { values }]) => [name, values]));
}
