import { errorText } from "../kernel/errors.js";
import { defineSettings, type ObjectSpec } from "../settings/schema.js";
import { parseList } from "../settings/values.js";
import { passwordCheck } from "./passwords.js";
import { grantProblem } from "./roles.js";

const userKeys = {
  password: {
    type: "password",
    title: "Password",
    description: "A hash, scrypt$… as nscp token hash-password makes it or pbkdf2-sha256$…, or the plain text",
    check: passwordProblem,
  },
  role: {
    type: "string",
    title: "Role",
    description: "The role of the user; without one there is nothing they may do",
  },
} as const satisfies ObjectSpec["keys"];

const roleValue = {
  type: "list",
  title: "Role",
  description: "Grants such as queries.execute, queries.execute:check_* or modules.*",
  check: (value: string) =>
    parseList(value)
      .map(grantProblem)
      .find((problem) => problem !== undefined),
} as const;

/** What older files say under the web server about its users; the module has the same keys in its own settings. */
export const webAccessKeys = {
  password: {
    type: "password",
    default: "",
    fallback: "/settings/default",
    title: "Password",
    description: "The password of the user admin where no section users/admin gives it; empty for no such user",
    check: passwordProblem,
  },
  disableAdminUser: {
    type: "bool",
    default: false,
    title: "Disable admin user",
    description: "There is no user admin, neither from the password nor from a section of that name",
  },
  allowAnonymousAccess: {
    type: "bool",
    default: false,
    title: "Allow anonymous access",
    description: "Callers without credentials have the role anonymous, if there is a role of that name",
  },
} as const satisfies ObjectSpec["keys"];

/** When failed logins block an address. */
export const loginLimitKeys = {
  maxFailures: {
    key: "auth rate limit max failures",
    type: "int",
    default: 10,
    min: 0,
    title: "Failed logins",
    description: "How many failed logins block an address; 0 never blocks",
  },
  blockSeconds: {
    key: "auth rate limit block seconds",
    type: "int",
    default: 60,
    min: 1,
    max: 86_400,
    title: "Block time",
    description: "How many seconds an address stays blocked",
  },
} as const satisfies ObjectSpec["keys"];

/** Who may do what, for all front ends. Users and roles of the web server count too. */
export const securitySettings = defineSettings({
  section: "/settings/security",
  title: "Security",
  description: "Who may do what, whichever way they come in",
  keys: {
    defaultCertificateRole: {
      type: "string",
      default: "",
      title: "Default certificate role",
      description: "The role of a client certificate that no row of the section certificates fits; empty for none",
    },
    anonymousRole: {
      type: "string",
      default: "",
      title: "Anonymous role",
      description: "The role of callers without any credentials; empty refuses them",
    },
    tokenFile: {
      type: "path",
      default: "${data-path}/tokens.json",
      title: "Token file",
      description: "Where nscp token keeps the hashes of tokens; a change of it is seen without a restart",
    },
    maxFailures: { ...loginLimitKeys.maxFailures, fallback: "/settings/WEB/server" },
    blockSeconds: { ...loginLimitKeys.blockSeconds, fallback: "/settings/WEB/server" },
  },
  groups: {
    web: {
      section: "/settings/WEB/server",
      title: "Web server",
      description: "Who may come in over HTTP",
      keys: webAccessKeys,
    },
    audit: {
      section: "/settings/security/audit",
      title: "Audit",
      description: "What was asked for by whom, a JSON object a line",
      keys: {
        file: {
          type: "path",
          default: "${log-path}/audit.jsonl",
          title: "File",
          description: "The file, readable for its owner only; none switches the audit off",
        },
        queries: {
          type: "bool",
          default: false,
          title: "Queries",
          description: "Record every check that was run too, and not only those that were refused",
        },
        maxSize: {
          type: "size",
          default: "10M",
          title: "Max size",
          description: "The size at which the file is put aside and a new one begun; 0 for never",
        },
        files: { type: "int", default: 5, min: 0, title: "Files", description: "How many files put aside are kept" },
      },
    },
  },
  maps: {
    roles: {
      section: "/settings/security/roles",
      title: "Roles",
      description: "role = grant, grant, …",
      value: roleValue,
    },
    webRoles: {
      section: "/settings/WEB/server/roles",
      title: "Roles of the web server",
      description: "Roles as older files have them; /settings/security/roles wins",
      value: roleValue,
    },
    certificates: {
      section: "/settings/security/certificates",
      title: "Certificates",
      description: "Client certificate = role. The certificate is named DNS:…, URI:…, email:…, IP:…, CN:… or SHA256:…",
      value: {
        type: "string",
        title: "Role",
        description: "The role of the certificates that fit; * and ? are wildcards",
      },
    },
  },
  objects: {
    users: {
      section: "/settings/security/users",
      title: "Users",
      description: "People and programs that log in with name and password",
      keys: userKeys,
    },
    webUsers: {
      section: "/settings/WEB/server/users",
      title: "Users of the web server",
      description: "Users as older files have them; /settings/security/users wins",
      keys: userKeys,
    },
  },
});

function passwordProblem(value: string): string | undefined {
  try {
    passwordCheck(value);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
