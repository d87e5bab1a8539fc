import { defineSettings } from "./schema.js";

const accepted = "Accepted so that existing files need no change; it has no effect here";

/** The settings that belong to no module. */
export const coreSettings = defineSettings({
  section: "/settings/core",
  title: "Core",
  description: "Deadlines and housekeeping",
  keys: {
    queryTimeout: {
      type: "time",
      default: "60s",
      title: "Query timeout",
      description: "How long a query may take before it is answered with UNKNOWN",
    },
    metricsInterval: {
      type: "time",
      default: "10s",
      title: "Metrics interval",
      description: "How often metrics are collected",
    },
    scriptSections: {
      type: "list",
      title: "Script sections",
      description: "Sections that belong to scripts, such as /settings/my_script: their keys are not checked",
    },
    settingsMaintenanceInterval: {
      type: "time",
      default: "5m",
      title: "Settings maintenance interval",
      description: accepted,
      advanced: true,
    },
    settingsMaintenanceThreads: {
      type: "int",
      default: 1,
      min: 0,
      title: "Settings maintenance threads",
      description: accepted,
      advanced: true,
    },
  },
  groups: {
    settings: {
      section: "/settings",
      title: "Settings",
      description: "The root of all settings",
      keys: {
        useCredentialManager: {
          type: "bool",
          default: false,
          title: "Use credential manager",
          description: accepted,
          advanced: true,
        },
      },
    },
    log: {
      section: "/settings/log",
      title: "Log",
      description: "What is logged, and where",
      keys: {
        level: {
          type: "enum",
          default: "info",
          choices: ["critical", "error", "warning", "info", "debug", "trace"],
          synonyms: {
            ...{ c: "critical", crit: "critical", e: "error", err: "error", w: "warning", warn: "warning" },
            ...{ i: "info", log: "info", d: "debug", t: "trace" },
          },
          title: "Level",
          description: "The least severe level that is logged: critical, error, warning, info, debug or trace",
        },
        fileName: {
          type: "path",
          default: "none",
          title: "File name",
          description: "The log file; none for no file",
        },
        dateFormat: {
          type: "string",
          default: "%Y-%m-%d %H:%M:%S",
          title: "Date format",
          description: "The date of a line in the file",
        },
      },
    },
    logFile: {
      section: "/settings/log/file",
      title: "Log file",
      description: "How large the log file may grow",
      keys: {
        maxSize: {
          type: "size",
          default: "0",
          title: "Max size",
          description: "The size at which the file is put aside and a new one begun; 0 for never",
        },
        files: {
          type: "int",
          default: 5,
          min: 0,
          title: "Files",
          description: "How many files that were put aside are kept",
        },
      },
    },
    crash: {
      section: "/settings/crash",
      title: "Crash",
      description: accepted,
      keys: {
        archive: { type: "bool", default: true, title: "Archive", description: accepted, advanced: true },
        archiveFolder: {
          type: "path",
          default: "${crash-folder}",
          title: "Archive folder",
          description: accepted,
          advanced: true,
        },
      },
    },
    metrics: {
      section: "/settings/metrics",
      title: "Metrics",
      description: "Where Prometheus fetches the gateway's metrics",
      keys: {
        port: {
          type: "int",
          min: 0,
          max: 65535,
          title: "Port",
          description: "The port of http://…/metrics; without it nothing listens, 0 takes a free one",
        },
        bindTo: { type: "string", default: "127.0.0.1", title: "Bind to", description: "The address to listen on" },
      },
    },
    defaults: {
      section: "/settings/default",
      title: "Defaults",
      description: "What servers use when their own section does not say",
      keys: {
        allowedHosts: {
          type: "list",
          default: ["127.0.0.1"],
          title: "Allowed hosts",
          description: "Addresses, networks and names that may connect",
        },
        bindTo: { type: "string", default: "", title: "Bind to", description: "The address to listen on" },
        cacheAllowedHosts: {
          type: "bool",
          default: true,
          title: "Cache allowed hosts",
          description: "Look host names up once, and not for every connection",
        },
        timeout: { type: "time", default: "30", title: "Timeout", description: "How long a connection may take" },
        threadPool: { type: "int", default: 10, title: "Thread pool", description: accepted, advanced: true },
        socketQueueSize: {
          type: "int",
          default: 0,
          title: "Socket queue size",
          description: "How many connections may wait to be accepted; 0 leaves it to the system",
          advanced: true,
        },
        password: { type: "password", default: "", title: "Password", description: "The password of clients" },
        encoding: { type: "string", default: "", title: "Encoding", description: "The character set of clients" },
        inbox: {
          type: "string",
          default: "inbox",
          title: "Inbox",
          description: "The channel that received results are submitted on",
        },
        timezone: {
          type: "string",
          default: "local",
          title: "Timezone",
          description: "The time zone of received and sent times",
          advanced: true,
        },
      },
    },
    permissions: {
      section: "/settings/permissions",
      title: "Permissions",
      description: "Who may run which command",
      keys: {
        enabled: { type: "bool", default: false, title: "Enabled", description: "Whether the policies count" },
        logDenials: { type: "bool", default: true, title: "Log denials", description: "Log what is refused" },
        logAllows: { type: "bool", default: false, title: "Log allows", description: "Log what is allowed" },
        allowExec: {
          type: "bool",
          default: true,
          title: "Allow exec",
          description: "Allow command-line commands while the policies count",
        },
      },
    },
  },
  maps: {
    modules: {
      section: "/modules",
      title: "Modules",
      description: "The modules that are loaded: Module = enabled, or alias = Module",
    },
    includes: {
      section: "/includes",
      title: "Includes",
      description: "Further settings files and folders: name = path",
    },
    tags: {
      section: "/settings/tags",
      title: "Tags",
      description:
        "What to know about this machine: name = text, up to 256 of them, shown to clients of the web server",
      value: {
        type: "string",
        title: "Tag",
        description: "A text of up to 1024 characters under a name of up to 128; an empty one is none",
        check: (value, { name }) => {
          if ([...name].length > 128) return "the name of a tag has more than 128 characters";
          return [...value].length > 1024 ? "a tag has more than 1024 characters" : undefined;
        },
      },
    },
    timeouts: {
      section: "/settings/core/timeouts",
      title: "Timeouts",
      description: "Query timeouts of single commands: command = 10s",
      value: { type: "time", title: "Timeout", description: "How long a query of this command may take" },
    },
    policies: {
      section: "/settings/permissions/policies",
      title: "Policies",
      description: "subject = module.command, …: the commands that a module, or module:principal, may run",
      value: { type: "list", title: "Policy", description: "Globs of module.command that the subject may run" },
    },
  },
});
