import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GatewayError } from "../kernel/errors.js";
import { closest } from "./did-you-mean.js";

/** Where the folders of an installation are. */
export interface PathOptions {
  /** The folder of the package: the one with its package.json. */
  readonly packageRoot: string;
  /** The folder for the spool, the socket and other state. */
  readonly dataPath: string;
  /** `NAME=VALUE` pairs of `--path-override`, already taken apart; they beat everything. */
  readonly overrides?: ReadonlyMap<string, string>;
}

const maxDepth = 32;

/**
 * The path tokens `${name}` and `%(name)`. An override beats `[paths]` of boot.ini, and that beats the default.
 *
 * | token | default |
 * |---|---|
 * | `base-path`, `exe-path`, `shared-path` | the package's folder |
 * | `scripts` | the folder `scripts` beside the settings file if there is one, else the package's |
 * | `data-path` | given by whoever starts the gateway |
 * | `certificate-path` | `${data-path}/security` |
 */
export class PathTokens {
  readonly #defaults: Map<string, string>;
  readonly #boot = new Map<string, string>();
  readonly #overrides: ReadonlyMap<string, string>;

  constructor({ packageRoot, dataPath, overrides = new Map() }: PathOptions) {
    this.#overrides = new Map([...overrides].map(([name, value]) => [name.toLowerCase(), value]));
    this.#defaults = new Map([
      ["base-path", packageRoot],
      ["exe-path", "${base-path}"],
      ["shared-path", "${base-path}"],
      ["data-path", dataPath],
      ["etc", "/etc"],
      ["boot-conf", "${etc}/nscp-gateway/boot.ini"],
      ["certificate-path", "${data-path}/security"],
      ["module-path", "${base-path}/dist/modules"],
      ["web-path", "${shared-path}/web"],
      ["scripts", "${shared-path}/scripts"],
      ["log-path", "/var/log/nscp-gateway"],
      ["cache-folder", "${data-path}/cache"],
      ["crash-folder", "${data-path}/crash-dumps"],
      ["fleet-folder", "${data-path}/fleet"],
      ["ca-path", authorityBundle()],
      ["nrpe-dh", "${certificate-path}"],
      ["legacy-nrpe-dh", "${certificate-path}"],
      ["modern-nrpe-dh", "${certificate-path}"],
      ["temp", tmpdir()],
    ]);
  }

  /** Takes `[paths]` of boot.ini. */
  useBootPaths(paths: Iterable<readonly [string, string]>): void {
    for (const [name, value] of paths) this.#boot.set(name.toLowerCase(), value);
  }

  /** Replaces a default, such as `data-path` for the embedded configuration. */
  useDefault(name: string, value: string): void {
    this.#defaults.set(name, value);
  }

  /** Lets `${scripts}` be the folder beside the settings file, if there is one. */
  useSettingsFile(file: string): void {
    const beside = join(dirname(file), "scripts");
    if (existsSync(beside)) this.#defaults.set("scripts", beside);
  }

  /** The names of all tokens. */
  names(): string[] {
    return [...new Set([...this.#defaults.keys(), ...this.#boot.keys(), ...this.#overrides.keys()])];
  }

  /** The expanded value of a token. */
  get(name: string): string {
    return this.expand(`\${${name}}`);
  }

  /**
   * Replaces the tokens of the text, and those of their values. An unknown token is the package's folder; an empty or
   * unfinished one stays as it is.
   * @throws GatewayError CONFIGURATION when a token is made of itself, or nested deeper than 32
   */
  expand(text: string): string {
    return this.#expand(text, []);
  }

  /** The tokens of the text that do not exist, each with the name that was probably meant. */
  unknownTokens(text: string): { name: string; suggestion: string | undefined }[] {
    return tokensOf(text)
      .filter((name) => this.#value(name) === undefined)
      .map((name) => ({ name, suggestion: closest(name, this.names()) }));
  }

  #expand(text: string, chain: readonly string[]): string {
    return text.replace(tokenPattern, (_all, curly: string | undefined, round: string | undefined) => {
      const name = (curly ?? round ?? "").toLowerCase();
      if (chain.includes(name) || chain.length >= maxDepth) {
        const names = [...chain, name].join(" → ");
        throw new GatewayError("CONFIGURATION", `The path token \${${chain[0]}} never ends: ${names}`);
      }
      return this.#expand(this.#value(name) ?? "${base-path}", [...chain, name]);
    });
  }

  #value(name: string): string | undefined {
    const lower = name.toLowerCase();
    return this.#overrides.get(lower) ?? this.#boot.get(lower) ?? this.#defaults.get(lower);
  }
}

const tokenPattern = /\$\{([^{}]+)\}|%\(([^()]+)\)/g;

function tokensOf(text: string): string[] {
  return [...text.matchAll(tokenPattern)].map((match) => match[1] ?? match[2] ?? "");
}

function authorityBundle(): string {
  const bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
  return bundles.find((file) => existsSync(file)) ?? "/etc/ssl/certs/ca-certificates.crt";
}

/**
 * Takes `NAME=VALUE` of `--path-override` apart.
 * @returns undefined when there is no name or no `=`
 */
export function parsePathOverride(text: string): [string, string] | undefined {
  const equals = text.indexOf("=");
  return equals < 1 ? undefined : [text.slice(0, equals).trim(), text.slice(equals + 1)];
}
