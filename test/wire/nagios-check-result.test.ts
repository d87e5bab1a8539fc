import { describe, expect, it } from "vitest";
import { renderCheckResultFile } from "../../src/wire/nagios-check-result.js";

describe("a file of check results", () => {
  it("has a record for each result, with names and output as Nagios reads them", () => {
    const results = [
      { time: 1000, host: "web1", service: "Disk C:\\", code: 2, output: "größe; C:\\|'a'=1\nlong" },
      { time: 1000, host: "web2", service: "", code: 1, output: "", execution: { start: 998.25, end: 999.5 } },
    ];
    expect(renderCheckResultFile(results, 1001.7)).toBe(
      [
        "### Passive Check Result File ###",
        "file_time=1001",
        "",
        "host_name=web1",
        "service_description=Disk C:\\\\",
        "check_type=1",
        "check_options=0",
        "scheduled_check=0",
        "reschedule_check=0",
        "latency=0.000000",
        "start_time=1000.000000",
        "finish_time=1000.000000",
        "early_timeout=0",
        "exited_ok=1",
        "return_code=2",
        "output=größe; C:\\\\|'a'=1\\nlong\\n",
        "",
        "host_name=web2",
        "check_type=1",
        "check_options=0",
        "scheduled_check=0",
        "reschedule_check=0",
        "latency=0.000000",
        "start_time=998.250000",
        "finish_time=999.500000",
        "early_timeout=0",
        "exited_ok=1",
        "return_code=1",
        "output=\\n",
        "",
      ].join("\n"),
    );
  });

  it("refuses a name that would make up a field", () => {
    const result = { time: 1, host: "h", service: "s\nreturn_code=0", code: 2, output: "" };
    expect(() => renderCheckResultFile([result], 1)).toThrow(
      'The name of the service "s\\nreturn_code=0" has the control character U+000A in it, which Nagios can\'t take.',
    );
  });
});
