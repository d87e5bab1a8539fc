/**
 * The encryption methods of NSCA.
 *
 * A method is a cipher in feedback mode of 8 bits with a key that is the password itself, cut or filled up with zeros to
 * the cipher's longest key. Numbers are those of `send_nsca.cfg` and `nsca.cfg`, names those of mcrypt without hyphens.
 * NSClient++ counts the same but for three numbers: 14 to 16 mean AES with keys of 16, 24 and 32 bytes there, where NSCA
 * means Rijndael with blocks of 16, 24 and 32 bytes and a key of 32. So NSClient++'s 16 is NSCA's 14, and `aes256` and
 * `rijndael128` are two names of one method.
 */
export interface NscaMethod {
  /** The name that is shown. */
  readonly name: string;
  /** Its number in NSCA, where it has one. */
  readonly number?: number;
  /** Other names of it, without hyphens. */
  readonly synonyms: readonly string[];
  /** Bytes of a block, of which the transmitted IV gives the first; 0 for none, 128 for XOR. */
  readonly blockSize: number;
  /** Bytes of the key; 0 where the password is no key of a cipher. */
  readonly keySize: number;
}

/** Whose meaning a bare number 14, 15, 16 or 23 has. */
export type NscaDialect = "nsca" | "nsclient";

/** A method, or what is wrong with its name. */
export type ParsedNscaMethod =
  | { readonly method: NscaMethod; readonly problem?: undefined }
  | { readonly problem: string };

const METHODS: readonly NscaMethod[] = [
  { number: 0, name: "none", synonyms: [], blockSize: 0, keySize: 0 },
  { number: 1, name: "xor", synonyms: [], blockSize: 128, keySize: 0 },
  { number: 2, name: "des", synonyms: [], blockSize: 8, keySize: 8 },
  { number: 3, name: "3des", synonyms: ["tripledes", "des3"], blockSize: 8, keySize: 24 },
  { number: 4, name: "cast128", synonyms: ["cast5"], blockSize: 8, keySize: 16 },
  { number: 5, name: "cast256", synonyms: ["cast6"], blockSize: 16, keySize: 32 },
  { number: 6, name: "xtea", synonyms: [], blockSize: 8, keySize: 16 },
  { number: 8, name: "blowfish", synonyms: [], blockSize: 8, keySize: 56 },
  { number: 9, name: "twofish", synonyms: [], blockSize: 16, keySize: 32 },
  { number: 10, name: "loki97", synonyms: [], blockSize: 16, keySize: 32 },
  { number: 11, name: "rc2", synonyms: [], blockSize: 8, keySize: 128 },
  { number: 14, name: "rijndael128", synonyms: ["aes256", "aes"], blockSize: 16, keySize: 32 },
  { number: 15, name: "rijndael192", synonyms: [], blockSize: 24, keySize: 32 },
  { number: 16, name: "rijndael256", synonyms: [], blockSize: 32, keySize: 32 },
  { number: 20, name: "serpent", synonyms: [], blockSize: 16, keySize: 32 },
  { number: 23, name: "gost", synonyms: [], blockSize: 8, keySize: 32 },
  { number: 26, name: "saferplus", synonyms: ["safer+"], blockSize: 16, keySize: 32 },
  { name: "aes128", synonyms: [], blockSize: 16, keySize: 16 },
  { name: "aes192", synonyms: [], blockSize: 16, keySize: 24 },
];

const BY_NAME: ReadonlyMap<string, NscaMethod> = new Map(
  METHODS.flatMap((method) =>
    [method.name, ...method.synonyms, ...(method.number === undefined ? [] : [`${method.number}`])].map(
      (name) => [name, method] as const,
    ),
  ),
);

/** What NSClient++ means by a number, where that is another method: a name, or none where no other program has it. */
const NSCLIENT_NUMBERS: ReadonlyMap<string, string | undefined> = new Map([
  ["14", "aes128"],
  ["15", "aes192"],
  ["16", "aes256"],
  ["23", undefined],
]);

/** Numbers that NSCA lists and that no daemon in use can open: the library has no module, or no such mode, for them. */
const WITHOUT_CIPHER: ReadonlyMap<string, string> = new Map([
  ["7", "3-WAY"],
  ["12", "ARCFOUR"],
  ["13", "RC6"],
  ["17", "MARS"],
  ["18", "Panama"],
  ["19", "WAKE"],
  ["21", "IDEA"],
  ["22", "Enigma"],
  ["24", "SAFER-SK64"],
  ["25", "SAFER-SK128"],
]);

/**
 * The method that a setting names: by name in any case, with or without hyphens (`aes256`, `CAST-128`), or by number.
 *
 * @param dialect what the numbers 14, 15, 16 and 23 mean: NSCA's methods unless said otherwise
 * @returns the method, or a sentence that says what is wrong with the name and which there are
 */
export function parseNscaMethod(text: string, dialect: NscaDialect = "nsca"): ParsedNscaMethod {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/[-_ ]+/g, "");
  if (dialect === "nsclient" && NSCLIENT_NUMBERS.has(name)) {
    const meant = BY_NAME.get(NSCLIENT_NUMBERS.get(name) ?? "");
    if (meant !== undefined) return { method: meant };
    return { problem: `encryption "${text}" is a variant of GOST that only NSClient++ has; ${offer()}` };
  }
  const method = BY_NAME.get(name);
  if (method !== undefined) return { method };
  const lacking = WITHOUT_CIPHER.get(name);
  if (lacking !== undefined) return { problem: `encryption ${name} (${lacking}) works in no NSCA daemon; ${offer()}` };
  return { problem: `encryption "${text}" is not known; ${offer()}` };
}

function offer(): string {
  const names = METHODS.map(({ number, name, synonyms }) => {
    const words = [...(number === undefined ? [] : [`${number}`]), ...synonyms];
    return words.length === 0 ? name : `${name} (${words.join(", ")})`;
  });
  return `there is ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
