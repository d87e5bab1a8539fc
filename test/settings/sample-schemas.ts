import { defineSettings, type ModuleSchema } from "../../src/settings/schema.js";

export const serverSettings = defineSettings({
  section: "/settings/Sample/${alias}",
  title: "Sample server",
  description: "A server for tests",
  keys: {
    port: { type: "int", default: 8443, min: 0, max: 65_535, title: "Port", description: "The port" },
    bindTo: { type: "string", default: "::", fallback: "/settings/default", title: "Bind to", description: "Address" },
    password: { type: "password", title: "Password", description: "The password" },
    timeout: { type: "time", default: "30", title: "Timeout", description: "Seconds" },
    idle: { type: "time", default: "5m", allowOff: true, title: "Idle", description: "Idle time" },
    maxSize: { type: "size", default: "4M", title: "Max size", description: "Size" },
    mode: { type: "enum", default: "Fast", choices: ["Fast", "Safe"], title: "Mode", description: "Mode" },
    hosts: { type: "list", title: "Hosts", description: "Hosts" },
    useTls: { key: "use ssl", type: "bool", default: true, title: "TLS", description: "Encrypt" },
    certificateKey: {
      type: "path",
      default: "${certificate-path}/key.pem",
      mustExist: "file",
      secretFile: true,
      advanced: true,
      title: "Certificate key",
      description: "The private key",
    },
  },
  groups: {
    log: {
      section: "/settings/Sample/${alias}/log",
      title: "Sample log",
      description: "What it logs",
      keys: { debug: { type: "bool", default: false, title: "Debug", description: "Log debug" } },
    },
  },
  maps: {
    scripts: {
      section: "/settings/Sample/${alias}/scripts",
      title: "Scripts",
      description: "name = file",
      value: {
        type: "string",
        title: "Script",
        description: "A script",
        check: (value) => (value.endsWith(".py") ? undefined : `Script not found: ${value}`),
      },
    },
    limits: {
      section: "/settings/Sample/${alias}/limits",
      title: "Limits",
      description: "name = time",
      value: { type: "time", title: "Limit", description: "A limit" },
    },
  },
  objects: {
    targets: {
      section: "/settings/Sample/${alias}/targets",
      title: "Targets",
      description: "Receivers",
      oneLiner: "address",
      keys: {
        address: { type: "string", title: "Address", description: "host:port" },
        timeout: { type: "time", default: "30s", title: "Timeout", description: "Seconds" },
        retries: { type: "int", default: 3, title: "Retries", description: "How often" },
        password: { type: "password", default: "", title: "Password", description: "The password" },
      },
    },
  },
});

export const sampleModules: readonly ModuleSchema[] = [
  { name: "SampleServer", defaultAlias: "server", schema: serverSettings },
  {
    name: "OtherModule",
    defaultAlias: "other",
    schema: { section: "/settings/${alias}", title: "Other", description: "Another module", keys: {} },
  },
];
