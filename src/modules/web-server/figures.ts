import { Metric, MetricsBundle, PB } from "../../wire/messages.js";

/** What became of requests since the server was started, and what is open now. */
export class Figures {
  private readonly answered = { ok: 0, client_errors: 0, server_errors: 0 };

  /** An answer was sent. */
  count(status: number): void {
    if (status < 400) this.answered.ok++;
    else if (status < 500) this.answered.client_errors++;
    else this.answered.server_errors++;
  }

  /** @param open what is open now, by its name: connections, requests, streams */
  bundle(key: string, open: Readonly<Record<string, number>>): MetricsBundle {
    return MetricsBundle.create({
      key,
      desc: "Requests that came over HTTP",
      value: Object.entries({ ...open, ...this.answered }).map(([name, value]) =>
        Metric.create({ key: name, gaugeValue: PB.Common.OptionalFloat.create({ value }) }),
      ),
    });
  }
}
